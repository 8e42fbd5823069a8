/// Who owns each floating IP: pure decisions. Events go in with the time at which they are handled, actions come out; no clock, no
/// thread, no socket, no randomness here, so the same class that decides on a host decides in the simulation. Knows nodes and floating
/// IPs by their index in [Rules] and nothing of their addresses. Called by `bascule.cluster` on its thread `ownership`, and by
/// the simulation.
@NullMarked
package bascule.cluster.ownership;

import org.jspecify.annotations.NullMarked;
