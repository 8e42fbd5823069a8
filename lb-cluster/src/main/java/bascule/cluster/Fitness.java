package bascule.cluster;

/// How much of what a floating IP stands for this node can serve.
///
/// @param level the more the better; -1 = it may not own
/// @param reason why it may not; empty if it may
public record Fitness(String floatingIp, int level, String reason) {}
