package bascule.health;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import bascule.health.ServerEvent.Checked;
import bascule.health.ServerEvent.Failed;
import bascule.health.ServerEvent.Ordered;
import bascule.health.ServerEvent.Reloaded;
import bascule.health.ServerEvent.Ticked;
import bascule.server.ServerStatus.Admin;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

final class ServerStateTest {
    /// Rise 2, fall 3; three errors within 10 eject for 30, half of the servers at most; slow start 90.
    private static final Rules RULES = new Rules(true, 2, 3, 3, 10, 30, 50, 90);

    private static final Rules UNCHECKED = new Rules(false, 1, 1, 3, 10, 30, 50, 90);
    private static final Company FOUR = new Company(4, 0, true, true);
    private static final Company ALONE = new Company(1, 0, false, false);

    private static ServerState born(Rules rules) {
        return ServerState.born(Admin.ENABLED, false, rules, FOUR, 0);
    }

    private static ServerState up() {
        return born(RULES).step(new Checked(true), RULES, FOUR, 0);
    }

    private static ServerState down() {
        return born(RULES).step(new Checked(false), RULES, FOUR, 0);
    }

    private static ServerState order(ServerState state, Admin wanted) {
        return state.step(new Ordered(wanted), RULES, FOUR, 0);
    }

    private static String word(ServerState state) {
        return state.status(RULES).state();
    }

    @Test
    void givenACheck_whenNoneHasEnded_thenDownUntilTheFirstPass() {
        assertEquals("down", word(born(RULES)));
        assertEquals("up", word(up()));
    }

    @Test
    void givenNoCheck_whenBorn_thenUsable() {
        assertTrue(born(UNCHECKED).usable());
        assertEquals("UNKNOWN", born(UNCHECKED).status(UNCHECKED).health().name());
    }

    @Test
    void givenDraining_whenChecksPassOrFail_thenDrainingAndTheVerdictIsKnownAtItsEnd() {
        ServerState draining = order(up(), Admin.DRAINING);
        assertEquals("draining", word(draining));

        for (int i = 0; i < 3; i++) draining = draining.step(new Checked(false), RULES, FOUR, 0);
        assertEquals("draining", word(draining));
        assertEquals("down", word(order(draining, Admin.ENABLED)));

        for (int i = 0; i < 2; i++) draining = draining.step(new Checked(true), RULES, FOUR, 0);
        assertEquals("draining", word(draining));
        assertEquals("up", word(order(draining, Admin.ENABLED)));
    }

    @Test
    void givenDisabled_whenALateResultComes_thenItSaysNothing() {
        ServerState disabled = order(up(), Admin.DISABLED);
        assertFalse(disabled.checks(RULES));

        assertEquals(disabled, disabled.step(new Checked(false), RULES, FOUR, 0));
        assertEquals(disabled, disabled.step(new Checked(true), RULES, FOUR, 0));
    }

    @ParameterizedTest
    @EnumSource(
            value = Admin.class,
            names = {"ENABLED", "DRAINING"})
    void givenDisabled_whenLeft_thenUnseenSinceNobodyLooked(Admin wanted) {
        ServerState left = order(order(up(), Admin.DISABLED), wanted);

        assertEquals(Verdict.UNSEEN, left.verdict());
        assertTrue(left.checks(RULES));
        assertEquals("DOWN", left.status(RULES).health().name());
    }

    @Test
    void givenDisabledWithoutCheck_whenEnabled_thenUsableAtOnce() {
        ServerState disabled =
                born(UNCHECKED).step(new Ordered(Admin.DISABLED), UNCHECKED, FOUR, 0);

        assertTrue(disabled.step(new Ordered(Admin.ENABLED), UNCHECKED, FOUR, 0).usable());
    }

    @Test
    void givenFailures_whenTooMany_thenEjectedAndBackWithoutThem() {
        ServerState ejected = up().step(new Failed(3), RULES, FOUR, 100);
        assertEquals("ejected", word(ejected));
        assertEquals("ejected", word(ejected.step(new Ticked(), RULES, FOUR, 129)));

        ServerState back = ejected.step(new Ticked(), RULES, FOUR, 130);
        assertEquals("up", word(back));
        assertEquals("up", word(back.step(new Failed(2), RULES, FOUR, 130)));
    }

    @Test
    void givenEjected_whenItsCheckFails_thenDownAndBackOnlyWhenBothAllow() {
        ServerState state = up().step(new Failed(3), RULES, FOUR, 100);
        for (int i = 0; i < 3; i++) state = state.step(new Checked(false), RULES, FOUR, 110);
        assertEquals("down", word(state));

        for (int i = 0; i < 2; i++) state = state.step(new Checked(true), RULES, FOUR, 120);
        assertEquals("ejected", word(state));
        assertEquals("up", word(state.step(new Ticked(), RULES, FOUR, 130)));
    }

    @Test
    void givenEjected_whenEnabled_thenBackAtOnce() {
        ServerState ejected = up().step(new Failed(3), RULES, FOUR, 100);

        assertEquals("up", word(order(ejected, Admin.ENABLED)));
        assertTrue(order(ejected, Admin.DRAINING).ejected());
    }

    @ParameterizedTest
    @CsvSource({
        // Servers, others ejected, at most, ejected?
        "1, 0,  50, false",
        "1, 0, 100, true", // The company says that others are usable.
        "2, 0,  50, true",
        "2, 1,  50, false",
        "3, 0,  50, true",
        "3, 1,  50, false",
        "3, 0,  33, false", // 0.99 servers.
        "3, 0,  34, true",
        "5, 1,  50, true",
        "5, 2,  50, false",
        "5, 0,   0, false",
    })
    void givenAtMost_whenErrorsAreTooMany_thenRoundedDown(
            int servers, int ejected, int atMost, boolean expected) {
        Rules rules = Samples.ejecting(3, 10, 30, atMost);
        var company = new Company(servers, ejected, true, true);
        ServerState state = ServerState.born(Admin.ENABLED, false, rules, company, 0);

        assertEquals(expected, state.step(new Failed(3), rules, company, 0).ejected());
    }

    @Test
    void givenTheLastUsable_whenErrorsAreTooMany_thenItStays() {
        Rules rules = Samples.ejecting(3, 10, 30, 100);
        var company = new Company(4, 0, false, false);
        ServerState state = ServerState.born(Admin.ENABLED, false, rules, company, 0);

        assertFalse(state.step(new Failed(3), rules, company, 0).ejected());
    }

    @Test
    void givenUnusable_whenExchangesFail_thenNotCounted() {
        ServerState draining = order(up(), Admin.DRAINING).step(new Failed(100), RULES, FOUR, 100);
        assertEquals("up", word(order(draining, Admin.ENABLED)));
        assertEquals(Ejection.Trusted.NO_FAILURES, order(draining, Admin.ENABLED).ejection());

        ServerState back = up().step(new Failed(2), RULES, FOUR, 100);
        for (int i = 0; i < 3; i++) back = back.step(new Checked(false), RULES, FOUR, 100);
        for (int i = 0; i < 2; i++) back = back.step(new Checked(true), RULES, FOUR, 100);
        assertEquals("up", word(back.step(new Failed(1), RULES, FOUR, 101)));
    }

    @Test
    void givenDaemonStart_whenFirstCheckPasses_thenAllOfItsWeightAtOnce() {
        assertEquals(SlowStart.DONE, up().slowStart());
        assertEquals(SlowStart.DONE, born(UNCHECKED).slowStart());
    }

    @Test
    void givenDownAtDaemonStart_whenUpLater_thenSlowly() {
        ServerState state = down();
        for (int i = 0; i < 2; i++) state = state.step(new Checked(true), RULES, FOUR, 7);

        assertEquals(SlowStart.begin(7), state.slowStart());
    }

    @Test
    void givenReload_whenItAddsAServer_thenSlowly() {
        ServerState unchecked = ServerState.born(Admin.ENABLED, true, UNCHECKED, FOUR, 7);
        assertEquals(SlowStart.begin(7), unchecked.slowStart());

        ServerState checked = ServerState.born(Admin.ENABLED, true, RULES, FOUR, 7);
        assertEquals(
                SlowStart.begin(9), checked.step(new Checked(true), RULES, FOUR, 9).slowStart());
    }

    @Test
    void givenNoOther_whenUpAgain_thenAllOfItsWeightAtOnce() {
        ServerState state = down();
        for (int i = 0; i < 2; i++) state = state.step(new Checked(true), RULES, ALONE, 7);

        assertTrue(state.usable());
        assertEquals(SlowStart.DONE, state.slowStart());
    }

    @Test
    void givenSlowStart_whenTimePasses_thenMoreAndMoreAndADrainEndsIt() {
        ServerState state = order(order(up(), Admin.DRAINING), Admin.ENABLED);
        assertEquals(1, state.slowStart().tenths());
        state = state.step(new Ticked(), RULES, FOUR, 45);
        assertEquals(5, state.slowStart().tenths());
        assertTrue(state.isTimed());
        assertFalse(state.step(new Ticked(), RULES, FOUR, 90).isTimed());

        ServerState drained = order(state, Admin.DRAINING);
        assertFalse(drained.isTimed());
        assertEquals(1, order(drained, Admin.ENABLED).slowStart().tenths());
    }

    @Test
    void givenSlowStart_whenEnabledAgain_thenItGoesOn() {
        ServerState state = order(order(up(), Admin.DRAINING), Admin.ENABLED);
        state = state.step(new Ticked(), RULES, FOUR, 45);

        assertEquals(state, order(state, Admin.ENABLED));
    }

    @Test
    void givenReload_whenTheCheckIsAnother_thenTheVerdictIsKeptAndCountedAnew() {
        ServerState state = up();
        for (int i = 0; i < 2; i++) state = state.step(new Checked(false), RULES, FOUR, 0);

        ServerState same = state.step(new Reloaded(false), RULES, FOUR, 0);
        assertEquals("down", word(same.step(new Checked(false), RULES, FOUR, 0)));

        ServerState other = state.step(new Reloaded(true), RULES, FOUR, 0);
        assertEquals("up", word(other.step(new Checked(false), RULES, FOUR, 0)));
    }

    @Test
    void givenReload_whenItAddsACheck_thenUpUntilTheCheckSaysOtherwise() {
        ServerState state = born(UNCHECKED).step(new Reloaded(true), RULES, FOUR, 0);
        assertEquals("UP", state.status(RULES).health().name());

        for (int i = 0; i < 3; i++) state = state.step(new Checked(false), RULES, FOUR, 0);
        assertEquals("down", word(state));
    }

    @Test
    void givenReload_whenItTakesTheCheckAway_thenUp() {
        ServerState state = down().step(new Reloaded(true), UNCHECKED, FOUR, 0);

        assertTrue(state.usable());
        assertEquals("UNKNOWN", state.status(UNCHECKED).health().name());
    }

    @Test
    void givenEjected_whenAReloadTakesEjectionOrTheRoomForItAway_thenBack() {
        ServerState ejected = up().step(new Failed(3), RULES, FOUR, 100);

        assertTrue(ejected.step(new Reloaded(false), RULES, FOUR, 101).ejected());
        assertFalse(ejected.step(new Reloaded(false), RULES, ALONE, 101).ejected());
        assertFalse(ejected.step(new Reloaded(false), Samples.checking(2, 3), FOUR, 101).ejected());
    }
}
