package bascule.health;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import bascule.health.ServerEvent.Checked;
import bascule.health.ServerEvent.Failed;
import bascule.health.ServerEvent.Ordered;
import bascule.health.ServerEvent.Ticked;
import bascule.server.ServerStatus.Admin;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// A whole backend under random events: orders, results of checks and failures in any order, so that each may cross each. What must
/// hold at every step is worked out from the history alone.
final class ServerStateModelTest {
    private static final int ROUNDS = Boolean.getBoolean("bascule.long") ? 5_000 : 100;
    private static final int STEPS = 300;
    private static final List<Admin> ADMINS = List.of(Admin.values());

    private final List<String> trace = new ArrayList<>();

    /// One server and all that happened to it.
    private static final class Watched {
        ServerState state;
        Admin wanted = Admin.ENABLED;
        final List<Boolean> results = new ArrayList<>(); // Since it was last disabled.
        final List<Long> failures = new ArrayList<>(); // Since it became usable.

        /// Must this event eject it?
        boolean failsTooMuch(
                ServerState before, ServerEvent event, Rules rules, Company company, long now) {
            boolean asked = event.equals(new Ordered(Admin.ENABLED));
            if (!before.usable() || asked) failures.clear();
            if (!(event instanceof Failed(int count)) || !before.usable()) return false;
            for (int i = 0; i < count; i++) failures.add(now);
            long recent = failures.stream().filter(at -> now - at < rules.withinNanos()).count();
            int most = company.size() * rules.atMostPercent() / 100;
            return rules.ejectErrors() > 0
                    && recent >= rules.ejectErrors()
                    && company.ejected() < most
                    && company.othersUsable();
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void givenAnyOrderOfEvents_whenStepped_thenNoneOverwritesAnother(long seed) {
        var random = new Random(seed);
        for (int round = 0; round < ROUNDS; round++) {
            trace.clear();
            run(random, "seed " + seed + " round " + round);
        }
    }

    private void run(Random random, String where) {
        var rules =
                new Rules(
                        random.nextInt(4) > 0,
                        1 + random.nextInt(3),
                        1 + random.nextInt(3),
                        random.nextInt(4),
                        1L + random.nextInt(30),
                        1L + random.nextInt(30),
                        random.nextInt(101),
                        random.nextInt(2) * 40L);
        trace.add(rules.toString());
        long now = Long.MAX_VALUE - random.nextInt(1000);
        List<Watched> all = new ArrayList<>();
        int size = 1 + random.nextInt(5);
        for (int i = 0; i < size; i++) {
            var watched = new Watched();
            watched.state =
                    ServerState.born(
                            Admin.ENABLED, false, rules, new Company(size, 0, i > 0, i > 0), now);
            all.add(watched);
        }
        for (int step = 0; step < STEPS; step++) {
            now += random.nextInt(4);
            int at = random.nextInt(size);
            Watched watched = all.get(at);
            ServerEvent event = event(random);
            Company company = company(all, at);
            trace.add(at + " at " + now + ": " + event + ", " + company);
            ServerState before = watched.state;
            switch (event) {
                case Ordered(Admin wanted) -> {
                    if (watched.wanted == Admin.DISABLED) watched.results.clear();
                    watched.wanted = wanted;
                }
                case Checked(boolean passed) -> {
                    if (watched.wanted != Admin.DISABLED) watched.results.add(passed);
                }
                case Failed _, Ticked _, ServerEvent.Reloaded _ -> {}
            }
            watched.state = before.step(event, rules, company, now);
            try {
                check(watched, before, event, rules, company, now);
                checkAll(all, rules);
            } catch (AssertionError failure) {
                throw new AssertionError(where + "\n" + String.join("\n", trace), failure);
            }
        }
    }

    private static ServerEvent event(Random random) {
        return switch (random.nextInt(8)) {
            case 0 -> new Ordered(ADMINS.get(random.nextInt(3)));
            case 1, 2 -> new Checked(true);
            case 3, 4 -> new Checked(false);
            case 5 -> new Failed(1 + random.nextInt(3));
            default -> new Ticked();
        };
    }

    private static Company company(List<Watched> all, int of) {
        int ejected = 0;
        boolean usable = false;
        for (int i = 0; i < all.size(); i++) {
            if (i == of) continue;
            if (all.get(i).state.ejected()) ejected++;
            usable |= all.get(i).state.usable();
        }
        return new Company(all.size(), ejected, usable, usable);
    }

    private static void check(
            Watched watched,
            ServerState before,
            ServerEvent event,
            Rules rules,
            Company company,
            long now) {
        ServerState state = watched.state;
        assertEquals(watched.wanted, state.admin(), "the last order holds, whatever else comes");
        if (rules.checked() && state.admin() != Admin.DISABLED)
            assertEquals(verdict(watched.results, rules), state.verdict().up(), "verdict");
        if (!rules.checked()) assertTrue(state.verdict().up(), "without a check up");
        assertEquals(
                state.admin() == Admin.ENABLED && state.verdict().up() && !state.ejected(),
                state.status(rules).usable());

        assertEquals(
                watched.failsTooMuch(before, event, rules, company, now),
                state.ejected() && !before.ejected(),
                "ejection");
        if (before.ejection() instanceof Ejection.Ejected(long until) && !state.ejected())
            assertTrue(
                    event.equals(new Ordered(Admin.ENABLED))
                            || event instanceof Ticked && now - until >= 0,
                    "back before its time");

        int tenths = state.slowStart().tenths();
        if (!state.usable()) assertEquals(10, tenths);
        if (!before.usable() && state.usable() && tenths < 10)
            assertTrue(company.othersShare() && rules.slowStartNanos() > 0, "slow for nothing");
        if (before.usable() && state.usable())
            assertThat(tenths).isBetween(before.slowStart().tenths(), 10);
    }

    private static void checkAll(List<Watched> all, Rules rules) {
        long ejected = all.stream().filter(watched -> watched.state.ejected()).count();
        assertThat(ejected).isLessThanOrEqualTo(all.size() * rules.atMostPercent() / 100);
    }

    private static boolean verdict(List<Boolean> results, Rules rules) {
        if (results.isEmpty()) return false;
        boolean up = results.getFirst();
        int run = 0;
        for (boolean result : results) {
            run = result == up ? 0 : run + 1;
            if (run == (up ? rules.fall() : rules.rise())) {
                up = result;
                run = 0;
            }
        }
        return up;
    }
}
