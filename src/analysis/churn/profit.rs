//! What contacting customers at risk earns: the expected maximum profit of a ranking, and the profit of contacting one customer.
//!
//! A contact costs `f`, the offer `d` where it is taken; a customer worth `CLV` who would leave takes it and stays with chance γ, one who would
//! stay takes it anyway. With `δ = d/CLV`, `φ = f/CLV`, prior shares `π₀` of leavers and `π₁` of stayers, and `F₀`, `F₁` the shares of each
//! that a threshold contacts, the profit per customer is `CLV (γ (1 − δ) − φ) π₀ F₀ − CLV (δ + φ) π₁ F₁`. Which threshold is best depends on γ;
//! EMPC is the mean of the best profit over `γ ~ Beta(α, β)`. The best threshold is a vertex of the convex hull of the ROC curve: vertex `i`
//! from `γᵢ` to `γᵢ₊₁`, `γᵢ = ((δ + φ) π₁ ΔF₁/(π₀ ΔF₀) + φ)/(1 − δ)`, so that the integral is a finite sum of
//! `∫ h = I(γ; α, β)` and `∫ γ h = α/(α + β) I(γ; α + 1, β)`.
//!
//! For whole α and β, `I(x; α, β) = Σ_{j ≥ α} C(n, j) xʲ (1 − x)ⁿ⁻ʲ`, `n = α + β − 1`.
//!
//! | name      | shape  | unit                              |
//! |-----------|--------|-----------------------------------|
//! | CLV, d, f | scalar | major currency units              |
//! | EMPC      | scalar | major currency units per customer |
//! | fraction  | scalar | share of customers contacted      |
//!
//! `O(n)` on a ranking. Source: Verbraken, Verbeke and Baesens, "A Novel Profit Maximizing Metric for Measuring Classification Performance of
//! Customer Churn Prediction Models", IEEE TKDE 25 (2013), equations 4, 12 to 14; NIST DLMF 8.17.5. One customer: Lemmens and Gupta,
//! "Managing Churn to Maximize Profits", Marketing Science 39 (2020).

use super::ranking::Ranking;

/// What a retention campaign costs and how it is received.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Campaign {
    /// Value of a customer who stays, for [`expected_maximum_profit`].
    pub lifetime_value: f64,
    /// Cost of the offer where it is taken.
    pub offer: f64,
    /// Cost of contacting a customer.
    pub contact: f64,
    /// α and β of the chance that the offer keeps who would leave; mean `α/(α + β)`.
    pub kept: (u32, u32),
}

impl Default for Campaign {
    fn default() -> Self {
        Self { lifetime_value: 200.0, offer: 10.0, contact: 1.0, kept: (6, 14) }
    }
}

/// Costs of a retention campaign as a pipeline states them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Costs {
    /// Cost of contacting a customer, in major currency units.
    pub contact: f64,
    /// Cost of the offer where it is taken, in major currency units.
    pub offer: f64,
    /// Chance that the offer keeps who would leave, `0..=1`.
    pub success_rate: f64,
}

/// `α + β` of the chance that an offer keeps who would leave.
const SURENESS: u32 = 20;

impl Default for Costs {
    fn default() -> Self {
        Self { contact: 1.0, offer: 10.0, success_rate: 0.30 }
    }
}

impl Costs {
    /// Returns the campaign for customers of some mean value; the success rate is rounded to twentieths.
    pub fn campaign(&self, lifetime_value: f64) -> Campaign {
        let alpha = ((self.success_rate * f64::from(SURENESS)).round() as u32).clamp(1, SURENESS - 1);
        Campaign { lifetime_value, offer: self.offer, contact: self.contact, kept: (alpha, SURENESS - alpha) }
    }

    /// Returns the expected gain of contacting one customer of some risk and lifetime value; below zero it costs more than it brings.
    pub fn gain(&self, risk: f64, lifetime_value: f64) -> f64 {
        risk * self.success_rate * (lifetime_value - self.offer) - (1.0 - risk) * self.offer - self.contact
    }
}

/// The expected maximum profit and what reaches it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Profit {
    /// Major currency units per customer, contacted or not.
    pub per_customer: f64,
    /// Share of customers to contact.
    pub fraction: f64,
}

/// Returns the expected maximum profit of a ranking; nothing where an offer costs as much as a customer is worth or a cost is below zero.
pub fn expected_maximum_profit(ranking: &Ranking, campaign: &Campaign) -> Option<Profit> {
    let clv = campaign.lifetime_value;
    let (offer, contact) = (campaign.offer / clv, campaign.contact / clv);
    let fair = clv > 0.0 && (0.0..1.0).contains(&offer) && contact >= 0.0 && contact.is_finite();
    if !fair || campaign.kept.0 == 0 || campaign.kept.1 == 0 {
        return None;
    }
    let (alpha, beta) = campaign.kept;
    let mean = f64::from(alpha) / f64::from(alpha + beta);
    let all = ranking.events() + ranking.others();
    // Shares of all customers: π₀ F₀ and π₁ F₁.
    let hull: Vec<(f64, f64)> = hull(ranking).into_iter().map(|(e, o)| (e / all, o / all)).collect();
    let threshold = |from: (f64, f64), to: (f64, f64)| {
        let (leavers, stayers) = (to.0 - from.0, to.1 - from.1);
        // The last part of a hull may hold stayers only: no γ makes it worth while.
        if leavers <= 0.0 { 1.0 } else { (((offer + contact) * stayers / leavers + contact) / (1.0 - offer)).min(1.0) }
    };
    let (mut profit, mut fraction) = (0.0, 0.0);
    for (ix, at) in hull.iter().enumerate() {
        let low = if ix == 0 { 0.0 } else { threshold(hull[ix - 1], *at) };
        let high = hull.get(ix + 1).map_or(1.0, |next| threshold(*at, *next));
        if high <= low {
            continue;
        }
        let share = incomplete_beta(high, alpha, beta) - incomplete_beta(low, alpha, beta);
        let first = mean * (incomplete_beta(high, alpha + 1, beta) - incomplete_beta(low, alpha + 1, beta));
        profit += clv * (at.0 * ((1.0 - offer) * first - contact * share) - at.1 * (offer + contact) * share);
        fraction += (at.0 + at.1) * share;
    }
    Some(Profit { per_customer: profit, fraction })
}

/// Returns the vertices of the upper convex hull of the ROC curve from (0, 0): cumulated weights of events and non-events.
fn hull(ranking: &Ranking) -> Vec<(f64, f64)> {
    let mut hull: Vec<(f64, f64)> = vec![(0.0, 0.0)];
    let mut at = (0.0, 0.0);
    for tie in ranking.ties() {
        at = (at.0 + tie.events, at.1 + tie.others);
        while let [.., a, b] = hull[..] {
            // The turn at b: not to the right means that b lies on or below the line from a to here.
            let is_below = (b.0 - a.0) * (at.1 - b.1) <= (at.0 - b.0) * (b.1 - a.1);
            if !is_below {
                break;
            }
            hull.pop();
        }
        hull.push(at);
    }
    hull
}

/// Regularised incomplete beta function of whole parameters.
fn incomplete_beta(x: f64, alpha: u32, beta: u32) -> f64 {
    let n = alpha + beta - 1;
    let mut choose = 1.0;
    let mut sum = 0.0;
    for j in 0..=n {
        if j >= alpha {
            sum += choose * x.powi(j as i32) * (1.0 - x).powi((n - j) as i32);
        }
        choose *= f64::from(n - j) / f64::from(j + 1);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_incomplete_beta_function_meets_published_values() {
        // I(x; 1, 1) = x; symmetry; scipy.special.betainc(6, 14, 0.3).
        assert!((incomplete_beta(0.37, 1, 1) - 0.37).abs() < 1e-15);
        assert!((incomplete_beta(0.2, 6, 14) + incomplete_beta(0.8, 14, 6) - 1.0).abs() < 1e-14);
        assert!((incomplete_beta(0.3, 6, 14) - 0.526_137_475_726_485_5).abs() < 1e-14);
    }

    /// The maximum over all thresholds, averaged over a fine grid of γ.
    #[test]
    fn the_sum_is_the_integral_of_the_best_profit() {
        let score: Vec<f64> = (0..200).map(|row| f64::from(row * 37 % 101)).collect();
        let label: Vec<bool> = (0..200_u32).map(|row| (row * 37 % 101) + (row * 71 % 97) > 120).collect();
        let ranking = Ranking::new(&score, &label, None).unwrap();
        let campaign = Campaign { lifetime_value: 100.0, offer: 12.0, contact: 3.0, kept: (2, 3) };
        let found = expected_maximum_profit(&ranking, &campaign).unwrap();
        let (mut profit, mut fraction) = (0.0, 0.0);
        let steps = 20_000;
        for step in 0..steps {
            let gamma = (f64::from(step) + 0.5) / f64::from(steps);
            let density = 12.0 * gamma * (1.0 - gamma) * (1.0 - gamma);
            let (mut best, mut at) = ((0.0, 0.0), (0.0, 0.0));
            for tie in ranking.ties() {
                at = (at.0 + tie.events, at.1 + tie.others);
                let of_all = (gamma * (100.0 - 12.0) - 3.0) * at.0 - (12.0 + 3.0) * at.1;
                if of_all > best.0 {
                    best = (of_all, at.0 + at.1);
                }
            }
            profit += density * best.0 / 200.0 / f64::from(steps);
            fraction += density * best.1 / 200.0 / f64::from(steps);
        }
        assert!((found.per_customer - profit).abs() < 1e-6, "{found:?} is not {profit}");
        assert!((found.fraction - fraction).abs() < 1e-3, "{found:?} is not {fraction}");
    }

    #[test]
    fn one_customer_is_worth_contacting_where_value_and_risk_pay_for_it() {
        let campaign = Costs::default();
        // 0.5 · 0.3 · (200 − 10) − 0.5 · 10 − 1.
        assert!((campaign.gain(0.5, 200.0) - 22.5).abs() < 1e-12);
        assert!(campaign.gain(0.01, 200.0) < 0.0 && campaign.gain(0.9, 5.0) < 0.0);
    }

    #[test]
    fn an_offer_as_dear_as_the_customer_has_no_best_share() {
        let ranking = Ranking::new(&[1.0, 0.0], &[true, false], None).unwrap();
        let of = |campaign| expected_maximum_profit(&ranking, &campaign);
        assert_eq!(of(Campaign { offer: 200.0, ..Campaign::default() }), None);
        assert_eq!(of(Campaign { lifetime_value: 0.0, ..Campaign::default() }), None);
        assert_eq!(of(Campaign { contact: f64::NAN, ..Campaign::default() }), None);
        assert_eq!(of(Campaign { kept: (0, 14), ..Campaign::default() }), None);
    }
}
