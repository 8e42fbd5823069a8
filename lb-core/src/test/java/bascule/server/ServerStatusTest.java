package bascule.server;

import static org.junit.jupiter.api.Assertions.assertEquals;

import bascule.server.ServerStatus.Admin;
import bascule.server.ServerStatus.Health;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class ServerStatusTest {
    @ParameterizedTest
    @CsvSource({
        "ENABLED,  UNKNOWN, true,  up",
        "ENABLED,  UP,      true,  up",
        "ENABLED,  DOWN,    false, down",
        "ENABLED,  EJECTED, false, ejected",
        "DRAINING, UNKNOWN, false, draining",
        "DRAINING, UP,      false, draining",
        "DRAINING, DOWN,    false, draining",
        "DRAINING, EJECTED, false, draining",
        "DISABLED, UNKNOWN, false, disabled",
        "DISABLED, UP,      false, disabled",
        "DISABLED, DOWN,    false, disabled",
        "DISABLED, EJECTED, false, disabled",
    })
    void givenEachStatus_whenAsked_thenUsableOnlyIfEnabledAndNotFoundUnfit(
            Admin admin, Health health, boolean usable, String state) {
        var status = new ServerStatus(admin, health);

        assertEquals(usable, status.usable());
        assertEquals(state, status.state());
    }
}
