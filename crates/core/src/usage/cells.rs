//! The columns that the ledger's sums have in common, each list written once.

/// The columns of a cell after its day or quarter-hour, in `usage_daily` and in `usage_folded`.
pub(super) const COLUMNS: &str = "payer, key_id, tier, model, host_id, environment, basis, runs, \
    unpriced, cost, input, output, cache_write_5m, cache_write_1h, cache_read, thinking, web_searches";

/// The same columns, summed from ledger rows.
pub(super) const OF_LEDGER: &str = "payer, coalesce(key_id, ''), tier, model, coalesce(host_id, 0), \
    environment, basis, count(*), sum(cost_estimate IS NULL), coalesce(sum(cost_estimate), 0), \
    sum(input), sum(output), sum(cache_write_5m), sum(cache_write_1h), sum(cache_read), \
    sum(thinking), sum(web_searches)";

/// The same columns, summed from cells.
pub(super) const OF_CELLS: &str = "payer, key_id, tier, model, host_id, environment, basis, \
    sum(runs), sum(unpriced), sum(cost), sum(input), sum(output), sum(cache_write_5m), \
    sum(cache_write_1h), sum(cache_read), sum(thinking), sum(web_searches)";

/// What tells one cell from another, in the order of the selected columns.
pub(super) const GROUP: &str = "GROUP BY 1, 2, 3, 4, 5, 6, 7, 8";

/// Adds to a cell that is there already.
pub(super) const ADD: &str = "ON CONFLICT DO UPDATE SET runs = runs + excluded.runs, \
    unpriced = unpriced + excluded.unpriced, cost = cost + excluded.cost, \
    input = input + excluded.input, output = output + excluded.output, \
    cache_write_5m = cache_write_5m + excluded.cache_write_5m, \
    cache_write_1h = cache_write_1h + excluded.cache_write_1h, \
    cache_read = cache_read + excluded.cache_read, thinking = thinking + excluded.thinking, \
    web_searches = web_searches + excluded.web_searches";

/// Writes `dividend` divided by `divisor` and rounded down, also below zero, where SQLite's own
/// division rounds towards zero.
pub(super) fn divided_down(dividend: &str, divisor: i64) -> String {
    format!("(({dividend}) - (({dividend}) % {divisor} + {divisor}) % {divisor}) / {divisor}")
}
