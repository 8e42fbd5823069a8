/// Who is alive and who owns the floating IP. Decisions are pure functions of states and events; clock, network and addresses
/// come in as events and go out as actions. Knows nothing of proxying or TLS. Called by `lb-core`'s daemon, and from one driver
/// thread only.
@NullMarked
package bascule.cluster;

import org.jspecify.annotations.NullMarked;
