package bascule.cluster.ownership;

/// Who should own a floating IP, if several nodes could: the same order on every node, given the same claims.
final class Ranking {
    private static final long FNV_BASIS = 0xcbf29ce484222325L;
    private static final long FNV_PRIME = 0x100000001b3L;

    private Ranking() {}

    /// Is the first node the better owner? Who is held down comes last, whatever it can serve; then the fitter one, the one with the higher
    /// priority, and the one that the names of node and floating IP draw: so equal nodes share the addresses.
    ///
    /// @param alike do both have the same configuration? Else each counts other backends, and may give other priorities.
    static boolean isBetter(
            Rules rules,
            int floatingIp,
            int one,
            Claim claim,
            int other,
            Claim otherClaim,
            boolean alike) {
        if (claim.heldDown() != otherClaim.heldDown()) return otherClaim.heldDown();
        int most = alike ? Integer.MAX_VALUE : 1;
        int more = Math.min(claim.fitness(), most) - Math.min(otherClaim.fitness(), most);
        if (more != 0) return more > 0;
        int priority = rules.nodes().get(one).priority() - rules.nodes().get(other).priority();
        if (alike && priority != 0) return priority > 0;
        int drawn =
                Long.compareUnsigned(draw(rules, floatingIp, one), draw(rules, floatingIp, other));
        return drawn != 0 ? drawn > 0 : one < other;
    }

    /// Rendezvous hashing: each node draws a number for each floating IP, the highest wins.
    private static long draw(Rules rules, int floatingIp, int node) {
        long hash = fnv(FNV_BASIS, rules.floatingIps().get(floatingIp).name());
        hash = fnv(hash, rules.nodes().get(node).name());
        // FNV alone hardly moves the high bits of short names: the finalizer of MurmurHash3 does.
        hash = (hash ^ hash >>> 33) * 0xff51afd7ed558ccdL;
        hash = (hash ^ hash >>> 33) * 0xc4ceb9fe1a85ec53L;
        return hash ^ hash >>> 33;
    }

    /// FNV-1a over the characters of a text and its end.
    private static long fnv(long hash, String text) {
        for (int i = 0; i < text.length(); i++) hash = (hash ^ text.charAt(i)) * FNV_PRIME;
        return (hash ^ 0xffff) * FNV_PRIME;
    }
}
