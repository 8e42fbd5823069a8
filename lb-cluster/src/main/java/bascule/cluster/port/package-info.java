/// The owner port: beats between nodes as sealed datagrams, without JGroups and in a version of its own. Knows sessions, windows and
/// challenges; knows nothing of what a beat means. Sends on the thread that calls, receives on a thread of its own.
@NullMarked
package bascule.cluster.port;

import org.jspecify.annotations.NullMarked;
