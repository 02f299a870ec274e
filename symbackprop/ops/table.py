"""The rows: one adds an activation or a loss, and every test iterates them."""

from types import MappingProxyType

from symbackprop.ops.op import Loss, Op

_OPS = (
    Op(
        "identity",
        {"en": "identity", "ko": "항등함수"},
        "x",
        "1",
        r"\operatorname{id}",
        known=(("0.5", "0.5"), ("-2", "-2")),
    ),
    Op(
        "sigmoid",
        {"en": "logistic sigmoid", "ko": "시그모이드"},
        "1/(1 + exp(-x))",
        "y*(1 - y)",
        r"\sigma",
        range=("0", "1"),
        known=(("0", "0.5"), ("1.5", "0.817574"), ("1", "0.731059")),
        source="Goodfellow, Bengio, Courville, Deep Learning (2016), 3.10",
    ),
    Op(
        "tanh",
        {"en": "hyperbolic tangent", "ko": "쌍곡탄젠트"},
        "(exp(x) - exp(-x))/(exp(x) + exp(-x))",
        "1 - y**2",
        r"\tanh",
        range=("-1", "1"),
        known=(("0", "0"), ("1", "0.761594")),
        source="Goodfellow, Bengio, Courville, Deep Learning (2016), 6.3.2",
    ),
    Op(
        "relu",
        {"en": "rectified linear unit", "ko": "렐루"},
        "Max(0, x)",
        "step(x)",
        r"\operatorname{ReLU}",
        range=("0", None),
        kinks=("0",),
        convention="0",
        known=(("-3", "0"), ("2.5", "2.5")),
        source="Nair and Hinton, ICML 2010",
    ),
    Op(
        "leaky_relu",
        {"en": "leaky rectified linear unit (0.01)", "ko": "리키 렐루 (0.01)"},
        "Max(x, 0.01*x)",
        "step(x) + 0.01*(1 - step(x))",
        r"\operatorname{LReLU}",
        kinks=("0",),
        convention="0.01",
        known=(("-3", "-0.03"), ("2.5", "2.5")),
        source="Maas, Hannun, Ng, ICML 2013",
    ),
    Op(
        "softplus",
        {"en": "softplus", "ko": "소프트플러스"},
        "log(1 + exp(x))",
        "sigmoid(x)",
        r"\operatorname{softplus}",
        range=("0", None),
        known=(("0", "0.693147"), ("1", "1.313262")),
        source="Dugas et al., NIPS 2000",
    ),
    Op(
        "silu",
        {"en": "sigmoid linear unit", "ko": "시그모이드 선형 단위"},
        "x*sigmoid(x)",
        "y + sigmoid(x)*(1 - y)",
        r"\operatorname{SiLU}",
        known=(("0", "0"), ("1", "0.731059")),
        source="Elfwing, Uchibe, Doya, Neural Networks 107 (2018)",
    ),
    Op(
        "gelu",
        {"en": "Gaussian error linear unit", "ko": "가우스 오차 선형 단위"},
        "x/2*(1 + erf(x/sqrt(2)))",
        "1/2*(1 + erf(x/sqrt(2))) + x*exp(-x**2/2)/sqrt(2*pi)",
        r"\operatorname{GELU}",
        known=(("0", "0"), ("1", "0.841345")),
        source="Hendrycks and Gimpel, arXiv 1606.08415",
    ),
)

_LOSSES = (
    Loss(
        "squared_error",
        {"en": "sum of squared errors", "ko": "오차제곱합"},
        "(y - o)**2",
        "-2*(y - o)",
    ),
    Loss(
        "half_squared_error",
        {"en": "half the sum of squared errors", "ko": "오차제곱합의 절반"},
        "1/2*(y - o)**2",
        "-(y - o)",
    ),
    Loss(
        "mean_squared_error",
        {"en": "mean squared error over the outputs", "ko": "출력에 대한 평균제곱오차"},
        "1/n*(y - o)**2",
        "-(2/n)*(y - o)",
    ),
    Loss(
        "binary_cross_entropy",
        {"en": "binary cross-entropy", "ko": "이진 교차 엔트로피"},
        "-(y*log(o) + (1 - y)*log(1 - o))",
        "-(y/o - (1 - y)/(1 - o))",
        after={"sigmoid": "-(y - o)"},
        source="Bishop, Pattern Recognition and Machine Learning (2006), 4.3.2",
    ),
    Loss(
        "categorical_cross_entropy",
        {"en": "categorical cross-entropy", "ko": "범주형 교차 엔트로피"},
        "-y*log(o)",
        "-y/o",
        after={"softmax": "o*s - y"},
        source="Bishop, Pattern Recognition and Machine Learning (2006), 4.3.4",
    ),
)

OPS = MappingProxyType({op.name: op for op in _OPS})
LOSSES = MappingProxyType({loss.name: loss for loss in _LOSSES})

SPECIAL: MappingProxyType[str, str] = MappingProxyType(
    {
        "step": "1 if x > 0 else 0",
        "abs": "Max(x, -x)",
        "pi": "3.14159265358979323846264338327950288419716939937511",
    }
)
"""What JSON says of the elementary names that other programs may lack."""

TAILS: MappingProxyType[str, str] = MappingProxyType({"erfc": "1 - erf(x)"})
"""Functions over x that only computed forms use, where the written one loses digits."""
