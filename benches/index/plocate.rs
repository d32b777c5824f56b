//! plocate beside the index, over the same names as real empty files. plocate is a process for each search
//! and reads its own index from the disk's cache; the index answers from memory. So the time of a process
//! that does nothing stands beside it too.

use crate::engine::{announced, search};
use crate::files;
use crate::table::{Times, classes, say, timed};
use cardume::engine::index::Page;
use std::path::Path;
use std::process::{Command, Stdio};

/// Measures with so many files, if plocate is installed.
pub(crate) fn run(count: u64) -> Result<(), String> {
    if Command::new("plocate").arg("--version").stdout(Stdio::null()).status().is_err() {
        say("\nplocate is not installed: not measured");
        return Ok(());
    }
    let home = tempfile::tempdir().map_err(said)?;
    let (tree, database) = (home.path().join("tree"), home.path().join("db"));
    make(&tree, count)?;
    let (made, took) = timed(|| {
        let mut updatedb = Command::new("updatedb");
        updatedb.args(["-l", "0", "--prunepaths", "", "--prune-bind-mounts", "no", "-U"]).arg(&tree);
        updatedb.arg("-o").arg(&database).status()
    });
    if !made.map_err(said)?.success() {
        return Err("updatedb failed".to_owned());
    }
    let (index, announced) = announced(1, count);
    say(&format!(
        "\nplocate beside the index, {count} names (updatedb {:.2} s, announced in {:.2} s):\n",
        took.as_secs_f64(),
        announced.as_secs_f64()
    ));
    say("| queries | program | number | median, ms | p99, ms | longest, ms | matches, mean |");
    say("| --- | --- | ---: | ---: | ---: | ---: | ---: |");
    for class in
        classes().iter().filter(|class| !class.name.starts_with("operators") && class.name != "everything")
    {
        let (mut ours, mut theirs, mut empty, mut found) = (Vec::new(), Vec::new(), Vec::new(), (0, 0));
        for words in &class.queries {
            // In turns: whatever else the machine does meets all.
            let (total, took) = timed(|| search(&index, words, Page::from(200)));
            found.0 += total;
            ours.push(took);
            let (printed, took) = timed(|| {
                lines(
                    Command::new("plocate")
                        .arg("-d")
                        .arg(&database)
                        .args(["-i", "-b", "--"])
                        .args(words.split_whitespace()),
                )
            });
            found.1 += printed?;
            theirs.push(took);
            empty.push(timed(|| lines(&mut Command::new("true"))).1);
        }
        let number = class.queries.len() as u64;
        say(&format!("| {} | Cardume | {} | {} |", class.name, Times::new(ours).cells(), found.0 / number));
        say(&format!("| | plocate | {} | {} |", Times::new(theirs).cells(), found.1 / number));
        say(&format!("| | `true` | {} | |", Times::new(empty).cells()));
    }
    Ok(())
}

/// How many lines a program prints.
fn lines(command: &mut Command) -> Result<u64, String> {
    let output = command.stderr(Stdio::null()).output().map_err(said)?;
    Ok(output.stdout.split(|byte| *byte == b'\n').count().saturating_sub(1) as u64)
}

fn make(tree: &Path, count: u64) -> Result<(), String> {
    for file in files::files(1, count) {
        let folder = tree.join(file.folder.as_str());
        if file.key.is_multiple_of(20) {
            std::fs::create_dir_all(&folder).map_err(said)?;
        }
        drop(std::fs::File::create(folder.join(file.name.as_str())).map_err(said)?);
    }
    Ok(())
}

#[expect(clippy::needless_pass_by_value, reason = "as `map_err` gives it")]
fn said(error: impl ToString) -> String {
    error.to_string()
}
