//! Maximum likelihood for the conditional logit, by gradient ascent (Adam: Kingma and Ba, ICLR 2015).

use selfheal_core::matching::relevance::{Feature, Features, Model, share};

/// One line: the features of its candidates, and which of them is right.
pub struct Example {
    pub candidates: Vec<Vec<Features>>,
    pub right: Option<usize>,
    pub known: bool,
    pub count: f64,
}

impl Example {
    /// The features of each candidate's best text under a model.
    fn chosen(&self, model: &Model) -> Vec<Features> {
        self.candidates.iter().filter_map(|ways| model.best(ways.iter().copied())).collect()
    }

    pub fn relevances(&self, model: &Model) -> Vec<f64> {
        share(&self.chosen(model).iter().map(|features| model.log_odds(features)).collect::<Vec<_>>(), true)
    }
}

const STEPS: u32 = 1_500;
const RATE: f64 = 0.1;

/// Fits weights to examples, each set with a weight of its own. A line that stands there many times counts as the root of
/// that, so that a few templates do not decide everything. `ridge` holds the weights near zero.
pub fn fit(sets: &[(&[Example], f64)], ridge: f64) -> Model {
    const SIZE: usize = Feature::ALL.len() + 1;
    // From where the shipped model stands: which of a candidate's texts is its best depends on the weights.
    let mut weights = [0.0f64; SIZE];
    weights[0] = Model::shipped().constant;
    weights[1..].copy_from_slice(&Model::shipped().weights);
    let (mut mean, mut square) = ([0.0f64; SIZE], [0.0f64; SIZE]);
    for step in 1..=STEPS {
        let model = model_of(&weights);
        let (mut gradient, mut total) = ([0.0f64; SIZE], 0.0);
        for (examples, weight) in sets {
            for example in *examples {
                let weight = weight * example.count.sqrt();
                total += weight;
                let chosen = example.chosen(&model);
                let shares = share(&chosen.iter().map(|features| model.log_odds(features)).collect::<Vec<_>>(), true);
                for (i, features) in chosen.iter().enumerate() {
                    let error = (f64::from(example.right == Some(i)) - shares[i]) * weight;
                    gradient[0] += error;
                    for (slot, value) in gradient[1..].iter_mut().zip(features.values()) {
                        *slot += error * value;
                    }
                }
            }
        }
        let time = f64::from(step);
        for k in 0..SIZE {
            let slope = gradient[k] / total - ridge * weights[k];
            mean[k] = 0.9 * mean[k] + 0.1 * slope;
            square[k] = 0.999 * square[k] + 0.001 * slope * slope;
            let (m, v) = (mean[k] / (1.0 - 0.9f64.powf(time)), square[k] / (1.0 - 0.999f64.powf(time)));
            weights[k] += RATE * m / (v.sqrt() + 1e-9);
        }
    }
    model_of(&weights)
}

fn model_of(weights: &[f64]) -> Model {
    let mut model = Model { constant: weights[0], ..Model::default() };
    model.weights.copy_from_slice(&weights[1..]);
    model
}
