/// What operators and scrapers see over HTTP: metrics, readiness, status. Read-only; what changes something never goes this
/// way. Knows the daemon only through what it is handed: [bascule.observe.Metrics], and suppliers of [Status] and of
/// readiness. Runs on one loop of its own, which shares nothing with the loops that carry traffic: a scrape, however large,
/// delays no exchange, and a flood of clients finds every connection, head and wait bounded.
@NullMarked
package bascule.admin;

import org.jspecify.annotations.NullMarked;
