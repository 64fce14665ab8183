//! The models that the simulator knows.

/// One model of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// The id, which requests name.
    pub id: String,
    /// Other ids that mean the same model.
    pub aliases: Vec<String>,
    /// The name that people read.
    pub display_name: String,
    /// `active`, `deprecated` or `retired`; a retired model is listed on request only and gives
    /// 404 when it is called.
    pub lifecycle: String,
    /// `haiku`, `sonnet`, `opus`, `fable`, `mythos`, or none.
    pub line: Option<String>,
    /// Release date, RFC 3339. The simulator's own where the real one is not public.
    pub created_at: String,
    /// When it was deprecated, RFC 3339.
    pub deprecated_at: Option<String>,
    /// When it retires or retired, RFC 3339.
    pub retires_at: Option<String>,
    /// Context window in tokens.
    pub max_input_tokens: u64,
    /// Longest answer in tokens.
    pub max_tokens: u64,
}

impl Model {
    /// Returns an active model with a context of one million tokens.
    #[must_use]
    pub fn new(id: impl Into<String>, display_name: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            aliases: Vec::new(),
            display_name: display_name.into(),
            lifecycle: "active".into(),
            line: None,
            created_at: "2026-01-01T00:00:00Z".into(),
            deprecated_at: None,
            retires_at: None,
            max_input_tokens: 1_000_000,
            max_tokens: 128_000,
        }
    }

    /// Tells whether requests may name the model so.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        self.id == name || self.aliases.iter().any(|alias| alias == name)
    }

    pub(crate) fn is_retired(&self) -> bool {
        self.lifecycle == "retired"
    }
}

/// Id, line, name, release day; newest first. From the API's documentation of 2026-11.
const ACTIVE: &[(&str, &str, &str, &str)] = &[
    (
        "claude-fable-5-2",
        "fable",
        "Claude Fable 5.2",
        "2026-11-09",
    ),
    (
        "claude-mythos-5-2",
        "mythos",
        "Claude Mythos 5.2",
        "2026-11-09",
    ),
    ("claude-opus-5-5", "opus", "Claude Opus 5.5", "2026-10-07"),
    (
        "claude-sonnet-5-5",
        "sonnet",
        "Claude Sonnet 5.5",
        "2026-10-06",
    ),
    (
        "claude-haiku-5-5",
        "haiku",
        "Claude Haiku 5.5",
        "2026-10-05",
    ),
    (
        "claude-fable-5-1",
        "fable",
        "Claude Fable 5.1",
        "2026-09-01",
    ),
    (
        "claude-mythos-5-1",
        "mythos",
        "Claude Mythos 5.1",
        "2026-09-01",
    ),
    ("claude-fable-5", "fable", "Claude Fable 5", "2026-07-01"),
    ("claude-mythos-5", "mythos", "Claude Mythos 5", "2026-07-01"),
    ("claude-opus-5", "opus", "Claude Opus 5", "2026-06-30"),
    ("claude-sonnet-5", "sonnet", "Claude Sonnet 5", "2026-06-29"),
    ("claude-opus-4-8", "opus", "Claude Opus 4.8", "2026-05-28"),
    ("claude-opus-4-7", "opus", "Claude Opus 4.7", "2026-04-16"),
    (
        "claude-sonnet-4-6",
        "sonnet",
        "Claude Sonnet 4.6",
        "2026-02-17",
    ),
    ("claude-opus-4-6", "opus", "Claude Opus 4.6", "2026-02-05"),
    (
        "claude-opus-4-5-20251101",
        "opus",
        "Claude Opus 4.5",
        "2025-11-24",
    ),
    (
        "claude-haiku-4-5-20251001",
        "haiku",
        "Claude Haiku 4.5",
        "2025-10-15",
    ),
    (
        "claude-sonnet-4-5-20250929",
        "sonnet",
        "Claude Sonnet 4.5",
        "2025-09-29",
    ),
];

const ALIASES: &[(&str, &str)] = &[
    ("claude-opus-4-7", "claude-opus-4-7-20260416"),
    ("claude-opus-4-6", "claude-opus-4-6-20260205"),
    ("claude-opus-4-5-20251101", "claude-opus-4-5"),
    ("claude-haiku-4-5-20251001", "claude-haiku-4-5"),
    ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
];

/// Id, line, name, retirement day.
const RETIRED: &[(&str, &str, &str, &str)] = &[
    (
        "claude-opus-4-1-20250805",
        "opus",
        "Claude Opus 4.1",
        "2026-08-05",
    ),
    (
        "claude-opus-4-20250514",
        "opus",
        "Claude Opus 4",
        "2026-06-15",
    ),
    (
        "claude-sonnet-4-20250514",
        "sonnet",
        "Claude Sonnet 4",
        "2026-06-15",
    ),
    (
        "claude-3-haiku-20240307",
        "haiku",
        "Claude Haiku 3",
        "2026-04-20",
    ),
    (
        "claude-3-7-sonnet-20250219",
        "sonnet",
        "Claude Sonnet 3.7",
        "2026-02-19",
    ),
    (
        "claude-3-5-haiku-20241022",
        "haiku",
        "Claude Haiku 3.5",
        "2026-02-19",
    ),
    (
        "claude-3-opus-20240229",
        "opus",
        "Claude Opus 3",
        "2026-01-05",
    ),
    (
        "claude-3-5-sonnet-20241022",
        "sonnet",
        "Claude Sonnet 3.5",
        "2025-10-28",
    ),
];

/// Returns the catalogue, newest first, retired models last.
pub(crate) fn models() -> Vec<Model> {
    let active = ACTIVE
        .iter()
        .map(|&(id, line, name, released)| active(id, line, name, released));
    let retired = RETIRED
        .iter()
        .map(|&(id, line, name, day)| retired(id, line, name, day));
    active.chain(retired).collect()
}

fn active(id: &str, line: &str, name: &str, released: &str) -> Model {
    let mut model = Model {
        line: Some(line.into()),
        created_at: midnight(released),
        aliases: ALIASES
            .iter()
            .filter(|(known, _)| *known == id)
            .map(|(_, alias)| (*alias).into())
            .collect(),
        ..Model::new(id, name)
    };
    if id.contains("-4-5-") {
        (model.max_input_tokens, model.max_tokens) = (200_000, 64_000);
    }
    if id == "claude-sonnet-4-5-20250929" {
        model.lifecycle = "deprecated".into();
        model.deprecated_at = Some(midnight("2026-05-28"));
        model.retires_at = Some(midnight("2026-11-30"));
    }
    model
}

fn retired(id: &str, line: &str, name: &str, day: &str) -> Model {
    Model {
        line: Some(line.into()),
        lifecycle: "retired".into(),
        created_at: midnight("2025-01-01"),
        deprecated_at: Some(midnight("2025-10-01")),
        retires_at: Some(midnight(day)),
        max_input_tokens: 200_000,
        max_tokens: 64_000,
        ..Model::new(id, name)
    }
}

fn midnight(day: &str) -> String {
    format!("{day}T00:00:00Z")
}
