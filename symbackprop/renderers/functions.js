// The functions of generated code, stable in the tails: the same forms as in NumPy.
const functions = (() => {
  "use strict";
  const exp = Math.exp, abs = Math.abs;
  const sigmoid = (z) => { const e = exp(Math.min(z, 80)); return e / (1 + e); };
  const softplus = (z) => Math.max(z, 0) + Math.log1p(exp(-abs(z)));

  // 2/√π e^-x² Σ 2^n x^(2n+1)/(2n+1)!!, all terms positive, for |x| <= 1.
  function erfOfSmall(x) {
    let term = x, total = x;
    for (let n = 1; n < 32; n++) { term *= 2 * x * x / (2 * n + 1); total += term; }
    return total * exp(-x * x) * 2 / Math.sqrt(Math.PI);
  }

  // x e^-x²/π times the integral of e^-t²/(t² + x²), by trapezoids, for x >= 1; the
  // pole at t = ix is taken out; x² in two parts, so that its rounding is not magnified.
  function erfcOfLarge(x) {
    x = Math.min(x, 200);
    const h = 0.34375;
    let total = 1 / (x * x);
    for (let k = 1; k < 28; k++) {
      const node = (k * h) ** 2;
      total += 2 * exp(-node) / (node + x * x);
    }
    const pole = x < 9 ? 2 / Math.expm1(2 * Math.PI / h * x) : 0;
    const head = Math.round(x * 65536) / 65536;
    return x * h / Math.PI * exp(-head * head) * exp((head - x) * (head + x)) * total - pole;
  }

  const erf = (x) => abs(x) < 1 ? erfOfSmall(x) : Math.sign(x) * (1 - erfcOfLarge(abs(x)));
  const erfc = (x) => abs(x) < 1 ? 1 - erfOfSmall(x) : x < 0 ? 2 - erfcOfLarge(-x) : erfcOfLarge(x);
  const logSumExp = (...z) => {
    const shift = Math.max(...z);
    return shift + Math.log(z.reduce((sum, u) => sum + exp(u - shift), 0));
  };

  return {
    exp, abs, erf, erfc, sigmoid, softplus,
    log: Math.log, sqrt: Math.sqrt, tanh: Math.tanh, Max: Math.max,
    identity: (z) => z,
    step: (z) => (z > 0 ? 1 : 0),
    relu: (z) => Math.max(0, z),
    leaky_relu: (z) => Math.max(z, z / 100),
    silu: (z) => z * sigmoid(z),
    gelu: (z) => z / 2 * erfc(-z * Math.SQRT1_2),
    log_share: (z, ...others) => (others.length ? -softplus(logSumExp(...others) - z) : 0),
  };
})();
