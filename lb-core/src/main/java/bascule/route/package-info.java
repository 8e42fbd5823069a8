/// From a request's head to what answers it: the routes of a listener, compiled into one immutable table per listener and
/// configuration. Knows heads and the configuration's records; knows nothing of servers, connections or how an answer is
/// sent. Called by `bascule.proxy` on every event loop at once, without a lock and without an allocation.
@NullMarked
package bascule.route;

import org.jspecify.annotations.NullMarked;
