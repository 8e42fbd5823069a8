/// What happened, told to those who operate: counters and histograms of each loop, shown to Prometheus through one collector;
/// the access log; events on standard error, and the latest of what changed. Every metric name stands once, in [MetricNames].
/// Knows listeners, backends and servers by name only, of the configuration the log's level and format, and nothing of HTTP or
/// sockets. Called by every layer above: each loop writes what is its own and nothing else, without a lock or an atomic
/// instruction; the admin loop and the access log's thread read.
@NullMarked
package bascule.observe;

import org.jspecify.annotations.NullMarked;
