//! Distribution functions and their inverses. The only file that knows which crate the beta, gamma
//! and error functions come from.
//!
//! Tails are computed as tails, never as `1 − cdf`, so that they stay exact where they are tiny.
//! Degrees of freedom may be fractional, in (0, 10⁶]; outside their domain all functions give NaN.

use std::f64::consts::{LN_2, PI, SQRT_2};

use statrs::function::beta::beta_reg;
use statrs::function::erf::erfc_inv;
use statrs::function::gamma::{gamma_lr, gamma_ur, ln_gamma};

/// Even number of steps of an integral over a distribution.
const STEPS: u32 = 2000;

/// P(Z ≤ x) for a standard normal Z, whose square is chi-squared with one degree of freedom.
pub fn normal_cdf(x: f64) -> f64 {
    let tail = chi_squared_upper(x * x, 1.0) / 2.0;
    if x < 0.0 { tail } else { 1.0 - tail }
}

/// The x with P(Z ≤ x) = `p` for a standard normal Z; infinite at 0 and 1.
pub fn normal_quantile(p: f64) -> f64 {
    if (0.0..=1.0).contains(&p) { -SQRT_2 * erfc_inv(2.0 * p) } else { f64::NAN }
}

/// P(|T| > |t|) for Student's T with `df` degrees of freedom: `I_{df/(df+t²)}(df/2, 1/2)`.
///
/// Source: Abramowitz and Stegun 26.7.1, with 26.5.27.
pub fn t_two_sided(t: f64, df: f64) -> f64 {
    beta_cdf(df / (df + t * t), df / 2.0, 0.5)
}

/// P(T ≤ t) for Student's T with `df` degrees of freedom.
pub fn t_cdf(t: f64, df: f64) -> f64 {
    let tail = t_two_sided(t, df) / 2.0;
    if t < 0.0 { tail } else { 1.0 - tail }
}

/// The t with P(T ≤ t) = `p` for Student's T with `df` degrees of freedom; infinite at 0 and 1.
pub fn t_quantile(p: f64, df: f64) -> f64 {
    let below = p < 0.5;
    let tail = if below { p } else { 1.0 - p };
    let size = match tail {
        _ if !(0.0..=0.5).contains(&tail) || !is_degree(df) => f64::NAN,
        0.0 => f64::INFINITY,
        0.5 => 0.0,
        _ => {
            let ln_factor = ln_gamma(df.midpoint(1.0)) - ln_gamma(df / 2.0) - 0.5 * (df * PI).ln();
            let density = |t: f64| (ln_factor - df.midpoint(1.0) * (t * t / df).ln_1p()).exp();
            // T has heavier tails than Z: the root lies above the start, and Newton's steps do not pass it.
            root(|t| tail - t_two_sided(t, df) / 2.0, density, -normal_quantile(tail))
        }
    };
    if below { -size } else { size }
}

/// P(X > x) for X chi-squared with `df` degrees of freedom.
pub fn chi_squared_upper(x: f64, df: f64) -> f64 {
    match x {
        _ if x.is_nan() || !is_degree(df) => f64::NAN,
        _ if x <= 0.0 => 1.0,
        f64::INFINITY => 0.0,
        _ => gamma_ur(df / 2.0, x / 2.0),
    }
}

/// P(X ≤ x) for X chi-squared with `df` degrees of freedom.
pub fn chi_squared_cdf(x: f64, df: f64) -> f64 {
    match x {
        _ if x.is_nan() || !is_degree(df) => f64::NAN,
        _ if x <= 0.0 => 0.0,
        f64::INFINITY => 1.0,
        _ => gamma_lr(df / 2.0, x / 2.0),
    }
}

/// The x with P(X ≤ x) = `p` for X chi-squared with `df` degrees of freedom: 0 at 0, infinite at 1.
///
/// Newton's steps from Wilson and Hilferty's approximation (1931, PNAS 17).
pub fn chi_squared_quantile(p: f64, df: f64) -> f64 {
    if !(0.0..=1.0).contains(&p) || !is_degree(df) {
        return f64::NAN;
    }
    if p == 0.0 || p == 1.0 {
        return if p == 0.0 { 0.0 } else { f64::INFINITY };
    }
    let spread = 2.0 / (9.0 * df);
    let start = df * (1.0 - spread + normal_quantile(p) * spread.sqrt()).max(1e-3).powi(3);
    let half = df / 2.0;
    let ln_factor = -half * LN_2 - ln_gamma(half);
    let density = |x: f64| (ln_factor + (half - 1.0) * x.ln() - x / 2.0).exp();
    if p <= 0.5 {
        root(|x| chi_squared_cdf(x, df) - p, density, start)
    } else {
        root(|x| (1.0 - p) - chi_squared_upper(x, df), density, start)
    }
}

/// The logarithm of the number of ways to choose `k` (at most `n`) of `n`.
pub fn ln_choose(n: u64, k: u64) -> f64 {
    let ln_factorial = |n: u64| ln_gamma(n as f64 + 1.0);
    ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k)
}

/// P(B ≤ x) for B beta-distributed with shapes `a` and `b`, both above 0: `I_x(a, b)`.
pub fn beta_cdf(x: f64, a: f64, b: f64) -> f64 {
    match x {
        _ if x.is_nan() || !(a > 0.0 && b > 0.0 && a.is_finite() && b.is_finite()) => f64::NAN,
        _ if x <= 0.0 => 0.0,
        _ if x >= 1.0 => 1.0,
        _ => beta_reg(a, b, x),
    }
}

/// P(T > t) for the noncentral T = (Z + `shift`) / √(X/`df`), `df` at least 1.
///
/// `∫ Φ(shift − t·s) f(s) ds` over the density f of s = √(X/df), by Simpson's rule over 12 standard
/// deviations of s to each side; exact to about 1e-6 or better.
pub fn noncentral_t_upper(t: f64, df: f64, shift: f64) -> f64 {
    if !(is_degree(df) && df >= 1.0) {
        return f64::NAN;
    }
    let ln_factor = LN_2 + df / 2.0 * (df / 2.0).ln() - ln_gamma(df / 2.0);
    let density = |s: f64| match s {
        // The limit at 0, where the logarithm below has none.
        0.0 if df == 1.0 => ln_factor.exp(),
        0.0 => 0.0,
        _ => (ln_factor + (df - 1.0) * s.ln() - df * s * s / 2.0).exp(),
    };
    let reach = 12.0 / (2.0 * df).sqrt();
    let (from, to) = ((1.0 - reach).max(0.0), 1.0 + reach);
    simpson(|s| normal_cdf(shift - t * s) * density(s), from, to).clamp(0.0, 1.0)
}

fn is_degree(df: f64) -> bool {
    df > 0.0 && df.is_finite()
}

/// The positive root of an increasing function: Newton's steps inside a bracket that is halved
/// wherever a step would leave it.
fn root(f: impl Fn(f64) -> f64, slope: impl Fn(f64) -> f64, start: f64) -> f64 {
    let (mut low, mut high) = (0.0, f64::INFINITY);
    let mut x = start;
    for _ in 0..200 {
        let value = f(x);
        if value == 0.0 {
            return x;
        }
        *(if value < 0.0 { &mut low } else { &mut high }) = x;
        let step = x - value / slope(x);
        let next = match step {
            _ if step > low && step < high => step,
            _ if high.is_infinite() => 2.0 * x,
            _ => low.midpoint(high),
        };
        if (next - x).abs() <= 2.0 * f64::EPSILON * next.abs() {
            return next;
        }
        x = next;
    }
    x
}

/// Simpson's rule over [`from`, `to`].
fn simpson(f: impl Fn(f64) -> f64, from: f64, to: f64) -> f64 {
    let step = (to - from) / f64::from(STEPS);
    let inner = |i: u32| f(from + f64::from(i) * step) * if i % 2 == 1 { 4.0 } else { 2.0 };
    (f(from) + f(to) + (1..STEPS).map(inner).sum::<f64>()) * step / 3.0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn close(got: f64, want: f64, relative: f64) -> bool {
        (got - want).abs() <= relative * want.abs()
    }

    #[test]
    fn known_values() {
        assert!(close(normal_quantile(0.975), 1.959_963_984_540_054, 1e-14));
        assert!(close(normal_cdf(-6.0), 9.865_876_450_377_012e-10, 1e-13));
        assert!(close(t_quantile(0.975, 4.0), 2.776_445_105_197_793, 1e-12));
        assert!(close(t_quantile(0.75, 1.0), 1.0, 1e-14));
        // With two degrees of freedom the upper tail is exp(−x/2).
        assert!(close(chi_squared_upper(7.0, 2.0), (-3.5_f64).exp(), 1e-13));
        assert!(close(chi_squared_quantile(0.2, 2.0), -2.0 * 0.8_f64.ln(), 1e-12));
        assert!(close(beta_cdf(0.3, 2.0, 1.0), 0.09, 1e-13));
    }

    #[test]
    fn ends_and_nonsense() {
        assert_eq!(t_quantile(0.0, 3.0), f64::NEG_INFINITY);
        assert_eq!(t_quantile(1.0, 3.0), f64::INFINITY);
        assert_eq!(t_quantile(0.5, 3.0), 0.0);
        assert_eq!(t_cdf(f64::INFINITY, 3.0), 1.0);
        assert_eq!(t_cdf(f64::NEG_INFINITY, 3.0), 0.0);
        assert_eq!(chi_squared_quantile(0.0, 3.0), 0.0);
        assert_eq!(chi_squared_quantile(1.0, 3.0), f64::INFINITY);
        let nonsense = [
            t_quantile(1.2, 3.0),
            t_quantile(0.9, 0.0),
            t_quantile(f64::NAN, 3.0),
            t_cdf(f64::NAN, 3.0),
            normal_quantile(-0.1),
            chi_squared_quantile(0.5, -1.0),
            beta_cdf(0.5, 0.0, 1.0),
            noncentral_t_upper(1.0, 0.0, 1.0),
        ];
        assert!(nonsense.iter().all(|v| v.is_nan()), "{nonsense:?}");
    }

    #[test]
    fn without_a_shift_the_noncentral_t_is_student_s() {
        for df in [1.0, 2.0, 4.0, 19.0, 399.0] {
            for t in [0.0, 0.7, 2.5, 8.0, 60.0] {
                let (got, want) = (noncentral_t_upper(t, df, 0.0), t_two_sided(t, df) / 2.0);
                assert!((got - want).abs() < 1e-6, "df {df}, t {t}: {got} for {want}");
            }
        }
    }

    proptest! {
        #[test]
        fn quantiles_undo_distribution_functions(p in 1e-6..0.999_999_f64, df in 0.5..500.0_f64) {
            prop_assert!(close(t_cdf(t_quantile(p, df), df), p, 1e-10));
            prop_assert!(close(chi_squared_cdf(chi_squared_quantile(p, df), df), p, 1e-10));
            prop_assert!(close(normal_cdf(normal_quantile(p)), p, 1e-13));
        }

        #[test]
        fn the_t_quantile_grows_with_p_and_is_odd(p in 0.5..0.9999_f64, q in 0.5..0.9999_f64, df in 1.0..200.0_f64) {
            prop_assert!(t_quantile(p.min(q), df) <= t_quantile(p.max(q), df));
            prop_assert!((t_quantile(p, df) + t_quantile(1.0 - p, df)).abs() <= 1e-9 * (1.0 + t_quantile(p, df)));
        }

        #[test]
        fn fewer_degrees_of_freedom_give_a_larger_quantile(p in 0.6..0.9999_f64, df in 1.0..100.0_f64) {
            prop_assert!(t_quantile(p, df) > t_quantile(p, df + 1.0));
            prop_assert!(t_quantile(p, df) > normal_quantile(p));
        }
    }
}
