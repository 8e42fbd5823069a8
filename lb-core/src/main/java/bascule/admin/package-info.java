/// What operators and scrapers see over HTTP: metrics, readiness, status, on a port; and what operators order, on a Unix socket,
/// where there is all that the port has, too. The port changes nothing: no path of it leads to [Commands]. Knows the daemon
/// only through what it is handed: [bascule.observe.Metrics], suppliers of [Status] and of readiness, and [Commands]. Runs on
/// one loop of its own, which shares nothing with the loops that carry traffic: a scrape, however large, delays no exchange, and a
/// flood of clients finds every connection, head, body and wait bounded. Commands start on one more thread, `admin-command`.
@NullMarked
package bascule.admin;

import org.jspecify.annotations.NullMarked;
