package bascule.cluster.ownership;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

final class RankingTest {
    private static final Rules RULES = rules(100, 100);

    private static Rules rules(int... priorities) {
        List<Rules.Node> nodes = new ArrayList<>();
        for (int i = 0; i < priorities.length; i++)
            nodes.add(new Rules.Node("edge" + (i + 1), priorities[i], false));
        List<Rules.FloatingIp> ips =
                IntStream.range(0, 16)
                        .mapToObj(i -> new Rules.FloatingIp("ip" + i, false))
                        .toList();
        return new Rules(nodes, 0, ips, Timings.FAST);
    }

    private static Claim claim(int fitness, boolean heldDown) {
        return new Claim(Claim.Phase.STANDBY, 0, -1, -1, fitness, heldDown, -1, 0);
    }

    private static boolean isBetter(Rules rules, Claim one, Claim other, boolean alike) {
        boolean is = Ranking.isBetter(rules, 0, 1, one, 0, other, alike);
        assertThat(Ranking.isBetter(rules, 0, 0, other, 1, one, alike)).isEqualTo(!is);
        return is;
    }

    @Test
    void givenOneHeldDown_whenRanked_thenComesLastHoweverFit() {
        assertThat(isBetter(RULES, claim(9, true), claim(1, false), true)).isFalse();
    }

    @Test
    void givenOneFitter_whenRanked_thenComesBeforeAHigherPriority() {
        assertThat(isBetter(rules(200, 100), claim(3, false), claim(2, false), true)).isTrue();
    }

    @Test
    void givenEqualFitness_whenRanked_thenTheHigherPriorityIsBetter() {
        assertThat(isBetter(rules(100, 101), claim(3, false), claim(3, false), true)).isTrue();
    }

    @Test
    void givenOtherConfigurations_whenRanked_thenOnlyWhetherItCanServeCounts() {
        Rules rules = rules(1, 254);
        boolean drawn = isBetter(rules, claim(5, false), claim(1, false), false);

        assertThat(isBetter(rules, claim(1, false), claim(9, false), false)).isEqualTo(drawn);
        assertThat(isBetter(rules, claim(0, false), claim(1, false), false)).isFalse();
    }

    @Test
    void givenSixteenAddressesAndEqualNodes_whenRanked_thenBothGetSome() {
        long first =
                IntStream.range(0, 16)
                        .filter(
                                ip ->
                                        Ranking.isBetter(
                                                RULES,
                                                ip,
                                                0,
                                                claim(1, false),
                                                1,
                                                claim(1, false),
                                                true))
                        .count();

        assertThat(first).isBetween(4L, 12L);
    }
}
