"""From derivations to pages: one intermediate document, one file a format."""
