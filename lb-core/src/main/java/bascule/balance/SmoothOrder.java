package bascule.balance;

/// Cycles of a smooth weighted round robin: each index as often as its weight says, and its places well spread.
final class SmoothOrder {
    /// Up to this many steps of the quadratic rule (some 20 ms) the order is nginx's.
    static final long MOST_STEPS = 1 << 24;

    private SmoothOrder() {}

    /// One cycle. Its length is the sum of the weights over their greatest common divisor: exact, and with weights up to 256
    /// at most 1 KiB per server.
    ///
    /// @param weights 1 or more each
    /// @return per place of the cycle an index of `weights`
    static int[] of(int[] weights) {
        int divisor = 0;
        long sum = 0;
        for (int weight : weights) {
            divisor = gcd(weight, divisor);
            sum += weight;
        }
        if (weights.length == 0) return weights;
        int[] shares = new int[weights.length];
        for (int i = 0; i < shares.length; i++) shares[i] = weights[i] / divisor;
        int length = Math.toIntExact(sum / divisor);
        return length == shares.length || (long) length * shares.length <= MOST_STEPS
                ? richestFirst(shares, length)
                : golden(shares, length);
    }

    /// The rule known from nginx: at each place everyone earns his weight, and the richest is chosen and pays the sum of all
    /// weights; of equals the first. For weights 5, 1, 1: `a a b a c a a`.
    static int[] richestFirst(int[] shares, int length) {
        int[] order = new int[length];
        if (length == shares.length) { // All equal.
            for (int at = 0; at < length; at++) order[at] = at;
            return order;
        }
        int[] wealth = new int[shares.length];
        for (int at = 0; at < length; at++) {
            int richest = 0;
            for (int i = 0; i < shares.length; i++) {
                wealth[i] += shares[i];
                if (wealth[i] > wealth[richest]) richest = i;
            }
            wealth[richest] -= length;
            order[at] = richest;
        }
        return order;
    }

    /// The same shares in linear time, for backends of many hundred unequal servers: everyone owns an arc of a circle as long
    /// as his weight, and each place steps on by the golden section of the circle, made coprime to its length, so that every
    /// point is met once. By the three-distance theorem the gaps between two visits of an arc have at most three lengths.
    static int[] golden(int[] shares, int length) {
        int[] owner = new int[length];
        for (int i = 0, at = 0; i < shares.length; i++)
            for (int end = at + shares[i]; at < end; at++) owner[at] = i;
        int stride = (int) (length * 0.6180339887498949);
        while (gcd(stride, length) != 1) stride++;
        int[] order = new int[length];
        int point = 0;
        for (int at = 0; at < length; at++) {
            order[at] = owner[point];
            point += point < length - stride ? stride : stride - length;
        }
        return order;
    }

    /// The place at which a cycle, entered from its start, would owe everyone what is closest to `debt`, by the sum of squared
    /// differences; of equals the first.
    ///
    /// @param debt in picks, per index
    static int bestStart(int[] order, double[] debt) {
        int length = order.length;
        double[] share = new double[debt.length];
        for (int index : order) share[index] += 1.0 / length;
        // With x = owed at the place - debt: `distance` is |x|², `slope` is x·share, both kept up
        // to date in constant time.
        double slope = 0;
        double shareSquared = 0;
        for (int i = 0; i < debt.length; i++) {
            slope -= debt[i] * share[i];
            shareSquared += share[i] * share[i];
        }
        int[] got = new int[debt.length];
        double distance = 0; // From the start's own, which is the same for all places.
        double least = 0;
        int best = 0;
        for (int at = 1; at < length; at++) {
            distance += 2 * slope + shareSquared; // All earn their share,
            slope += shareSquared;
            int index = order[at - 1];
            double x = at * share[index] - got[index]++ - debt[index];
            distance += 1 - 2 * x; // and one pays for his pick.
            slope -= share[index];
            if (distance < least - 1e-9) {
                least = distance;
                best = at;
            }
        }
        return best;
    }

    private static int gcd(int a, int b) {
        return b == 0 ? a : gcd(b, a % b);
    }
}
