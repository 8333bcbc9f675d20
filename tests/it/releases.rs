//! How releases are made: actions and base images by digest, and an image that is not published where it was built on others.

use std::path::Path;
use std::process::{Command, Output};

use crate::support::TempFile;

fn read(path: &str) -> String {
    std::fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn digest(digit: char) -> String {
    format!("sha256:{}", digit.to_string().repeat(64))
}

/// `tests/release/bases.py` with these arguments, in front of a registry that is a shell script.
fn bases(registry: &str, arguments: &[&str]) -> Output {
    let docker = TempFile::new("docker", registry);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/release/bases.py");
    Command::new("python3")
        .arg(script)
        .args(arguments)
        .env("DOCKER", format!("sh {}", docker.as_str()))
        .output()
        .unwrap()
}

/// The registry: each image has a digest of its own. Its arguments are `buildx imagetools inspect IMAGE --format …`.
const REGISTRY: &str = r#"
case $4 in
  node:*) digit=1 ;;
  rust:*) digit=2 ;;
  gcr.io/*) digit=3 ;;
  *) exit 1 ;;
esac
printf '{"mediaType":"application/vnd.oci.image.index.v1+json","digest":"sha256:%064d"}' 0 | tr 0 $digit
"#;

fn text(output: &[u8]) -> String {
    String::from_utf8_lossy(output).into_owned()
}

#[test]
fn each_image_of_the_dockerfile_is_built_on_by_the_digest_that_its_tag_has() {
    let dockerfile = read("Dockerfile");
    let named: Vec<&str> =
        dockerfile.lines().filter_map(|line| line.strip_prefix("FROM ")?.split(' ').next()).collect();
    assert_eq!(named.len(), 3, "{named:?}");
    let (output, notes) = (TempFile::new("outputs", ""), TempFile::new("bases.md", ""));
    let run = bases(REGISTRY, &["resolve", "--output", output.as_str(), "--notes", notes.as_str()]);
    assert!(run.status.success(), "{}", text(&run.stderr));
    let (one, two, three) = (digest('1'), digest('2'), digest('3'));
    let contexts: String = named
        .iter()
        .zip([&one, &two, &three])
        .map(|(image, digest)| format!("{image}=docker-image://{image}@{digest}\n"))
        .collect();
    let expected = format!(
        "contexts<<END\n{contexts}END\nlabels<<END\norg.opencontainers.image.base.name={last}\n\
         org.opencontainers.image.base.digest={three}\nEND\ndigests<<END\n{one}\n{two}\n{three}\nEND\n",
        last = named[2]
    );
    assert_eq!(std::fs::read_to_string(output.path()).unwrap(), expected);
    let table = std::fs::read_to_string(notes.path()).unwrap();
    assert!(
        named
            .iter()
            .zip([one, two, three])
            .all(|(image, digest)| table.contains(&format!("| `{image}` | `{digest}` |")))
    );

    // The workflow builds with them, labels the image, and compares what was built before anything is published.
    let workflow = read(".github/workflows/release.yml");
    let builds = workflow.matches("docker/build-push-action@").count();
    assert_eq!(builds, workflow.matches("build-contexts: ${{ steps.bases.outputs.contexts }}").count());
    let steps = [
        "bases.py resolve",
        "build-contexts: ${{ steps.bases.outputs.contexts }}",
        "${{ steps.bases.outputs.labels }}",
        "bases.py verify \"$IMAGE\" \"$DIGESTS\"",
        "./tests/release/smoke",
        "./tests/release/compose",
        "actions/attest-build-provenance",
        "cat bases.md >> notes.md",
    ];
    let image = &workflow[workflow.find("\n  image:\n").unwrap()..];
    let places: Vec<_> = steps.iter().map(|step| image.find(step).unwrap_or_else(|| panic!("{step}"))).collect();
    assert!(places.is_sorted(), "{places:?}");
}

/// A tag that is not there, a registry that is away, an answer that is none: nothing is built.
#[test]
fn a_base_without_a_digest_stops_a_release() {
    for registry in ["exit 1", "printf '{}'", "printf '{\"digest\":\"latest\"}'", "printf 'busy'"] {
        let (output, notes) = (TempFile::new("outputs", ""), TempFile::new("bases.md", ""));
        let run = bases(registry, &["resolve", "--output", output.as_str(), "--notes", notes.as_str()]);
        assert!(!run.status.success(), "{registry}");
        assert_eq!(std::fs::read_to_string(output.path()).unwrap(), "", "{registry}");
    }
}

#[test]
fn an_image_whose_provenance_has_another_base_is_not_published() {
    let (one, two) = (digest('1'), digest('2'));
    let registry = format!(
        r#"printf '{{"SLSA":{{"materials":[{{"uri":"pkg:docker/node@22","digest":{{"sha256":"{}"}}}}]}}}}'"#,
        one.trim_start_matches("sha256:")
    );
    assert!(bases(&registry, &["verify", "image", &one]).status.success());
    for digests in [format!("{one}\n{two}\n"), two, String::new()] {
        assert!(!bases(&registry, &["verify", "image", &digests]).status.success(), "{digests:?}");
    }
}

/// Dependabot sees no image that a variable names, and moves none that has no tag.
#[test]
fn every_image_that_a_dockerfile_names_is_found() {
    let names = |text: &str| {
        let file = TempFile::new("Dockerfile", text);
        let run = bases("exit 1", &["--dockerfile", file.as_str(), "names"]);
        run.status.success().then(|| text_lines(&run.stdout))
    };
    let several = "# FROM no:1\nFROM --platform=linux/amd64 a:1 AS build\nfrom b.example:5000/c/d:2@sha256:0\n\
                   COPY --chown=1 --from=build /x /x\nCOPY --from=e:3 \\\n  /y /y\nFROM build\nFROM scratch\nFROM a:1\n";
    assert_eq!(names(several).unwrap(), ["a:1", "b.example:5000/c/d:2@sha256:0", "e:3"]);
    for wrong in ["ARG A=a:1\nFROM $A\n", "FROM a\n", "FROM b.example:5000/a\n", "FROM a:1\nCOPY --from=c /x /x\n"] {
        assert_eq!(names(wrong), None, "{wrong}");
    }
}

fn text_lines(output: &[u8]) -> Vec<String> {
    text(output).lines().map(str::to_owned).collect()
}

#[test]
fn workflows_name_their_actions_by_digest_and_tools_have_one_version() {
    let mut used = 0;
    for workflow in ["ci.yml", "release.yml"] {
        let text = read(&format!(".github/workflows/{workflow}"));
        for action in text.lines().filter_map(|line| line.split_once("uses: ").map(|(_, action)| action)) {
            let (digest, version) = action.split_once('@').unwrap().1.split_once(" # v").unwrap();
            assert!(digest.len() == 40 && digest.bytes().all(|b| b.is_ascii_hexdigit()), "{workflow}: {action}");
            assert!(version.starts_with(|c: char| c.is_ascii_digit()), "{workflow}: {action}");
            used += 1;
        }
    }
    assert!(used > 10);
    let tool = |file: &str| {
        let text = read(file);
        text.split_once("cargo-auditable@")
            .unwrap()
            .1
            .split_whitespace()
            .next()
            .unwrap()
            .trim_end_matches(';')
            .to_owned()
    };
    assert_eq!(tool("Dockerfile"), tool("tests/release/tools"));
}
