package bascule.systemd;

import static org.assertj.core.api.Assertions.assertThat;

import bascule.systemd.ManagerEnvironment.Passed;
import bascule.testing.BasculeProcess;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class ManagerEnvironmentTest {
    private static final long PID = 4711;

    private static ManagerEnvironment of(String... namesAndValues) {
        Map<String, String> all = new HashMap<>();
        for (int i = 0; i < namesAndValues.length; i += 2)
            all.put(namesAndValues[i], namesAndValues[i + 1]);
        return ManagerEnvironment.of(all, PID);
    }

    @Test
    void givenNothing_whenRead_thenNobodyWantsToKnow() {
        assertThat(of()).isEqualTo(new ManagerEnvironment(null, 0, List.of(), 0, false, List.of()));
    }

    @Test
    void givenAllForUs_whenRead_thenAllIsThere() {
        var read =
                of(
                        "NOTIFY_SOCKET", "/run/systemd/notify",
                        "WATCHDOG_USEC", "5000000",
                        "WATCHDOG_PID", "4711",
                        "LISTEN_PID", "4711",
                        "LISTEN_FDS", "2",
                        "LISTEN_FDNAMES", "web.0.0:web.0.1",
                        "FDSTORE", "2048");

        assertThat(read)
                .isEqualTo(
                        new ManagerEnvironment(
                                "/run/systemd/notify",
                                5_000_000,
                                List.of(new Passed(3, "web.0.0"), new Passed(4, "web.0.1")),
                                2048,
                                true,
                                List.of()));
    }

    @Test
    void givenAllForAnother_whenRead_thenItIsNothingToUs() {
        var read =
                of(
                        "WATCHDOG_USEC", "5000000",
                        "WATCHDOG_PID", "1",
                        "LISTEN_PID", "1",
                        "LISTEN_FDS", "2");

        assertThat(read).isEqualTo(new ManagerEnvironment(null, 0, List.of(), 0, false, List.of()));
    }

    @Test
    void givenManagerThatTellsNoLimit_whenRead_thenItIsWhatOurUnitSays() throws Exception {
        Path unit =
                BasculeProcess.ROOT.resolve(
                        "packaging/src/root/usr/lib/systemd/system/bascule.service");
        List<String> lines = Files.readAllLines(unit);
        String ours = only(lines, "Environment=BASCULE_FDSTORE=");

        assertThat(of("BASCULE_FDSTORE", ours).storeLimitTold()).isFalse();
        assertThat(of("BASCULE_FDSTORE", ours).storeLimit())
                .isPositive()
                .isEqualTo(Integer.parseInt(only(lines, "FileDescriptorStoreMax=")));
    }

    private static String only(List<String> lines, String start) {
        return lines.stream()
                .filter(line -> line.startsWith(start))
                .findFirst()
                .orElseThrow()
                .substring(start.length());
    }

    @Test
    void givenManagerThatTellsItsLimit_whenOurUnitSaysAnother_thenItIsTheManagers() {
        var read = of("FDSTORE", "7", "BASCULE_FDSTORE", "1024");

        assertThat(read.storeLimit()).isEqualTo(7);
        assertThat(read.storeLimitTold()).isTrue();
    }

    @Test
    void givenWatchdogForAnybody_whenRead_thenItIsForUs() {
        assertThat(of("WATCHDOG_USEC", "7").watchdogMicros()).isEqualTo(7);
    }

    @Test
    void givenFewerNamesThanDescriptors_whenRead_thenTheRestIsUnknown() {
        var read = of("LISTEN_PID", "4711", "LISTEN_FDS", "3", "LISTEN_FDNAMES", "a:");

        assertThat(read.passed())
                .extracting(Passed::name)
                .containsExactly("a", "unknown", "unknown");
    }

    @ParameterizedTest
    @CsvSource({
        "LISTEN_FDS,-1",
        "LISTEN_FDS,many",
        "LISTEN_FDS,1048577",
        "FDSTORE,many",
        "BASCULE_FDSTORE,-1",
        "WATCHDOG_USEC,5s",
        "WATCHDOG_USEC,99999999999999999999"
    })
    void givenNoNumber_whenRead_thenValueAndRangeAreTold(String name, String value) {
        var read = of("LISTEN_PID", "4711", name, value);

        assertThat(read.passed()).isEmpty();
        assertThat(read.watchdogMicros()).isZero();
        assertThat(read.faults()).singleElement().asString().startsWith(name + "=" + value + " (");
    }
}
