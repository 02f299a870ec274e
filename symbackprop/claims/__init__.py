"""The room of claims: what a book prints, judged to its last digit."""
