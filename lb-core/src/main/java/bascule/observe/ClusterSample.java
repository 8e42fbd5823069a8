package bascule.observe;

import java.util.Map;

/// What a node of a cluster is worth telling of at one moment.
///
/// @param nodes that are there, this one counted
/// @param differing others whose configuration is known to be another
/// @param owned by floating IP: does this node own it?
/// @param changes by floating IP, then by reason: how often this node took it or let go of it
/// @param dropped by reason: datagrams of the owner port
public record ClusterSample(
        long nodes,
        long differing,
        Map<String, Boolean> owned,
        Map<String, Map<String, Long>> changes,
        Map<String, Long> dropped) {}
