//! Evidence beside the text, in made-up worlds whose causes are known: what each kind of item adds to text alone, and what
//! one global weight for each should be.
//!
//! The first half of a world's incidents is learned from, as the product would; of the second half every other incident
//! fits the weights, and the rest is what is reported. Candidates are those that the text cannot tell apart well.

mod fit;
mod speed;
mod world;

use selfheal_core::matching::EvidenceKind;

use fit::{Example, fit, measure};
use world::World;

pub use speed::run as run_speed;

/// Features: the text's log-odds, then one for each kind of item.
const FEATURES: usize = 1 + EvidenceKind::ALL.len();

pub fn run(incidents: usize, seeds: u64) -> anyhow::Result<()> {
    for (name, effects) in [
        ("a world in which rates, changes, order, hours and places differ", true),
        ("a world in which nothing differs", false),
    ] {
        println!("{name}: {incidents} incidents, {seeds} seeds, candidates in threes");
        let mut rows: Vec<Row> = models().into_iter().map(Row::new).collect();
        for seed in 0..seeds {
            let examples = World::new(seed, effects).play(incidents);
            let (train, test): (Vec<_>, Vec<_>) = examples.into_iter().enumerate().partition(|(i, _)| i % 2 == 0);
            let strip = |half: Vec<(usize, Example)>| half.into_iter().map(|(_, example)| example).collect::<Vec<_>>();
            let (train, test) = (strip(train), strip(test));
            for row in &mut rows {
                let weights = fit(&train, &row.features);
                row.runs.push((measure(&test, &weights), weights));
            }
        }
        print(&rows);
    }
    Ok(())
}

/// One set of features, and what came of it with each seed.
struct Row {
    name: String,
    features: Vec<usize>,
    runs: Vec<((f64, f64), [f64; FEATURES])>,
}

impl Row {
    fn new((name, features): (String, Vec<usize>)) -> Self {
        Self { name, features, runs: Vec::new() }
    }
}

fn models() -> Vec<(String, Vec<usize>)> {
    let mut models = vec![("text alone".to_owned(), vec![0])];
    models.extend(
        EvidenceKind::ALL.iter().enumerate().map(|(i, kind)| (format!("text, {}", kind.as_str()), vec![0, i + 1])),
    );
    models.push(("text, all items".to_owned(), (0..FEATURES).collect()));
    models
}

fn print(rows: &[Row]) {
    println!("  {:<22} {:>24} {:>24}   weight of the item", "", "log-loss", "top-1");
    for row in rows {
        let (loss, top) = (spread(row.runs.iter().map(|run| run.0.0)), spread(row.runs.iter().map(|run| run.0.1)));
        let weight = match row.features.as_slice() {
            [_, item] => spread(row.runs.iter().map(|run| run.1[*item])),
            _ => String::new(),
        };
        println!("  {:<22} {loss:>24} {top:>24}   {weight}", row.name);
    }
    println!("  weights with all items together");
    let names = std::iter::once("text").chain(EvidenceKind::ALL.iter().map(|kind| kind.as_str()));
    for (feature, name) in names.enumerate() {
        let all = rows.last().map_or_else(Vec::new, |row| row.runs.iter().map(|run| run.1[feature]).collect());
        println!("  {name:<22} {:>24}", spread(all.into_iter()));
    }
    println!();
}

/// Mean and standard deviation over the seeds.
fn spread(values: impl Iterator<Item = f64>) -> String {
    let values: Vec<f64> = values.collect();
    let many = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / many;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (many - 1.0).max(1.0);
    format!("{mean:.4} (sd {:.4})", variance.sqrt())
}
