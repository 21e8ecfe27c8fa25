//! The relevance model: fitted on some tasks, reported on others.

mod fit;
mod score;
mod task;

use std::path::{Path, PathBuf};

use anyhow::bail;
use selfheal_core::PatternId;
use selfheal_core::matching::KnowledgeBase;
use selfheal_core::matching::relevance::{Feature, Fitted, Model};

use fit::{Example, fit};
use score::{Answer, Scores};
use task::Task;

/// Candidates of a line: as many as the product looks at.
const CANDIDATES: usize = 16;

#[derive(Debug, clap::Args)]
pub struct RelevanceArguments {
    /// Folders of tasks to fit on.
    #[arg(long, num_args = 1..)]
    fit: Vec<PathBuf>,
    /// Folders of tasks to report on.
    #[arg(long, num_args = 1..)]
    report: Vec<PathBuf>,
    /// What a task whose lines are paraphrased counts while fitting, beside 1.
    #[arg(long, default_value_t = 0.01)]
    paraphrased: f64,
    #[arg(long, default_value_t = 1e-5)]
    ridge: f64,
    /// Write the fitted model there.
    #[arg(long)]
    write: Option<PathBuf>,
    /// Where the data came from, for the provenance.
    #[arg(long)]
    provenance: Vec<String>,
    /// Print the calibration curve of each report.
    #[arg(long)]
    curve: bool,
}

/// Fits where there is something to fit on, and reports with the fitted or the shipped model.
pub fn run(arguments: &RelevanceArguments) -> anyhow::Result<()> {
    if arguments.fit.is_empty() && arguments.report.is_empty() {
        bail!("name tasks to --fit on or to --report on");
    }
    let mut model = Model::shipped().clone();
    if !arguments.fit.is_empty() {
        let sets = arguments.fit.iter().map(|folder| examples(folder, false)).collect::<anyhow::Result<Vec<_>>>()?;
        let weight = |name: &str| if name.contains("para") { arguments.paraphrased } else { 1.0 };
        model =
            fit(&sets.iter().map(|(name, set)| (set.as_slice(), weight(name))).collect::<Vec<_>>(), arguments.ridge);
        model.evidence = Model::shipped().evidence.clone();
        println!("constant {:.2}", model.constant);
        for (feature, weight) in Feature::ALL.iter().zip(model.weights) {
            println!("{weight:+7.2} {}", feature.words());
        }
    }
    if let Some(file) = &arguments.write {
        let fitted =
            Fitted { provenance: arguments.provenance.clone(), features: Feature::ALL.to_vec(), model: model.clone() };
        std::fs::write(file, format!("{}\n", serde_json::to_string_pretty(&fitted)?))?;
    }
    report(&arguments.report, &model, arguments.curve)
}

/// The lines of a task with their candidates. Names that are only numbers of templates teach nothing: `named` false leaves
/// them out.
fn examples(folder: &Path, named: bool) -> anyhow::Result<(String, Vec<Example>)> {
    let mut task = Task::read(folder)?;
    if !named {
        for pattern in &mut task.patterns {
            pattern.name.clear();
        }
    }
    let (base, problems) = KnowledgeBase::new(task.patterns);
    if let Some(problem) = problems.first() {
        bail!("{problem}");
    }
    let examples = task
        .lines
        .iter()
        .map(|line| {
            let (ids, candidates): (Vec<_>, Vec<_>) = base.compare(&line.text, CANDIDATES).into_iter().unzip();
            let right =
                line.truth.as_ref().and_then(|truth| ids.iter().position(|id: &PatternId| id.as_str() == truth));
            Example { candidates, right, known: line.truth.is_some(), count: line.count }
        })
        .collect();
    Ok((task.name, examples))
}

fn report(folders: &[PathBuf], model: &Model, curve: bool) -> anyhow::Result<()> {
    if folders.is_empty() {
        return Ok(());
    }
    println!("\n{:24} {:>7} {:>7} {:>7} {:>7} {:>7}", "task", "lines", "top-1", "ECE", "AUROC", "Brier");
    for folder in folders {
        let (name, examples) = examples(folder, true)?;
        let answers: Vec<Answer> = examples.iter().map(|example| answer(example, model)).collect();
        let Scores { lines, top1, ece, auroc, brier } = score::score(&answers);
        println!("{name:24} {lines:>7} {top1:>7.4} {ece:>7.4} {auroc:>7.4} {brier:>7.4}");
        if curve {
            for (i, (lines, relevance, right)) in
                score::curve(&answers).iter().enumerate().filter(|(_, bin)| bin.0 > 0.0)
            {
                println!(
                    "    {:.1} to {:.1}: {lines:>6} lines, said {relevance:.3}, right {right:.3}",
                    i as f64 / 10.0,
                    (i + 1) as f64 / 10.0
                );
            }
        }
    }
    Ok(())
}

fn answer(example: &Example, model: &Model) -> Answer {
    let relevances = example.relevances(model);
    // The first of equals, as the product lists them.
    let mut best = None;
    for (i, relevance) in relevances.iter().enumerate() {
        if best.is_none_or(|(_, highest)| *relevance > highest) {
            best = Some((i, *relevance));
        }
    }
    Answer {
        count: example.count,
        known: example.known,
        right: best.is_some_and(|(i, _)| example.right == Some(i)),
        relevance: best.map_or(0.0, |(_, relevance)| relevance),
        matched: best.is_some(),
    }
}
