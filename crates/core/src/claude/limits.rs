//! How much of a plan is used, as the CLI tells it while it answers. Nothing is spent to learn it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::clock::Millis;

/// The plan's limits as they stood when a request was answered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
#[cfg_attr(feature = "wire", ts(rename = "PlanLimits"))]
pub struct Limits {
    /// Whether requests are let through.
    pub standing: Standing,
    /// The window that decides that, such as `five_hour`.
    pub window: Option<String>,
    /// When that window begins anew.
    pub resets_at: Option<Millis>,
    /// Each window that was told.
    pub windows: Vec<Window>,
    /// Paid usage beyond the plan is being spent.
    pub is_extra: bool,
}

/// One window of a plan's limits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
#[cfg_attr(feature = "wire", ts(rename = "PlanWindow"))]
pub struct Window {
    /// Its kind in the CLI's word, such as `five_hour` or `seven_day`.
    pub kind: String,
    /// The share that is used, from 0 to 1; it may be more.
    pub used: Option<f64>,
    /// When it begins anew.
    pub resets_at: Option<Millis>,
    /// Whether it lets requests through.
    pub standing: Standing,
}

/// Whether a limit lets requests through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "wire", derive(ts_rs::TS))]
#[cfg_attr(feature = "wire", ts(rename = "PlanStanding"))]
pub enum Standing {
    /// It does.
    Allowed,
    /// It does, but not for long.
    AllowedWarning,
    /// It does not.
    Rejected,
    /// The CLI said nothing of it, or something that is not known.
    #[default]
    #[serde(other)]
    Unknown,
}

/// The `rate_limit_info` of the CLI; everything may be missing.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Told {
    #[serde(deserialize_with = "lenient")]
    status: Standing,
    resets_at: Option<f64>,
    rate_limit_type: Option<String>,
    utilization: Option<f64>,
    is_using_overage: bool,
    unified_windows: Map<String, Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ToldWindow {
    #[serde(deserialize_with = "lenient")]
    status: Standing,
    resets_at: Option<f64>,
    utilization: Option<f64>,
}

fn lenient<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Standing, D::Error> {
    let value = Value::deserialize(from)?;
    Ok(serde_json::from_value(value).unwrap_or_default())
}

impl From<Told> for Limits {
    fn from(told: Told) -> Self {
        let mut windows: Vec<_> = told
            .unified_windows
            .into_iter()
            .filter_map(|(kind, window)| {
                let window: ToldWindow = serde_json::from_value(window).ok()?;
                Some(Window {
                    kind,
                    used: window.utilization,
                    resets_at: window.resets_at.and_then(moment),
                    standing: window.status,
                })
            })
            .collect();
        // An older form tells only the window that decides.
        if windows.is_empty()
            && let Some(kind) = &told.rate_limit_type
        {
            windows.push(Window {
                kind: kind.clone(),
                used: told.utilization,
                resets_at: told.resets_at.and_then(moment),
                standing: told.status,
            });
        }
        Self {
            standing: told.status,
            window: told.rate_limit_type,
            resets_at: told.resets_at.and_then(moment),
            windows,
            is_extra: told.is_using_overage,
        }
    }
}

/// Takes seconds since 1970, as the CLI tells a moment; `None` where that is none.
fn moment(seconds: f64) -> Option<Millis> {
    const YEAR_9999: f64 = 253_402_300_800.0;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "used only within bounds that hold it"
    )]
    (0.0..YEAR_9999)
        .contains(&seconds)
        .then_some(Millis((seconds * 1000.0) as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Limits {
        serde_json::from_str::<Told>(json).unwrap().into()
    }

    #[test]
    fn windows_come_with_share_reset_and_standing() {
        let limits = read(
            r#"{"status":"allowed_warning","resetsAt":1795321660,"rateLimitType":"five_hour","utilization":0.91,
                "isUsingOverage":false,"overageStatus":"rejected","unifiedWindows":{
                "five_hour":{"utilization":0.91,"resetsAt":1795321660,"status":"allowed_warning"},
                "seven_day":{"utilization":0.42,"resetsAt":1795714460,"status":"allowed"},"new":3}}"#,
        );
        assert_eq!(limits.standing, Standing::AllowedWarning);
        assert_eq!(limits.resets_at, Some(Millis(1_795_321_660_000)));
        assert_eq!(limits.windows.len(), 2);
        assert_eq!(limits.windows[1].kind, "seven_day");
        assert_eq!(limits.windows[1].used, Some(0.42));
        assert!(!limits.is_extra);
    }

    #[test]
    fn what_is_missing_or_new_is_let_through() {
        let limits = read(r#"{"status":"allowed","isUsingOverage":true}"#);
        assert!(limits.is_extra && limits.windows.is_empty());
        let limits = read(r#"{"status":"paused","rateLimitType":"moon","resetsAt":1e30}"#);
        assert_eq!(limits.standing, Standing::Unknown);
        assert_eq!((limits.windows.len(), limits.resets_at), (1, None));
    }
}
