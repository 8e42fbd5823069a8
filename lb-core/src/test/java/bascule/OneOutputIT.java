package bascule;

import static bascule.testing.BasculeProcess.bascule;
import static org.assertj.core.api.Assertions.assertThat;

import bascule.testing.Answer;
import bascule.testing.BasculeProcess;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// A daemon whose standard output and standard error are one pipe, as container runtimes give it, or one file.
@Timeout(120)
final class OneOutputIT {
    private static final String CONFIGURATION =
            """
            admin.http = "127.0.0.1:0"
            loops = 1
            logging { access = json, file = FILE }
            shutdown.grace = off
            listeners.web { bind = "127.0.0.1:0", routes = [{ respond = 200 }], limits.connections = 100 }
            """;

    private static final int ROUNDS = 3;
    private static final int REQUESTS = 100;

    /// Longer than PIPE_BUF.
    private static final int PATH_CHARS = 5000;

    private static final int FAULTS = 90;

    /// Longer than the buffer of a Java stream, too.
    private static final int FAULT_CHARS = 9000;

    private static final String EVENT_BEGINS = "\\d{4}-\\d\\d-\\d\\dT\\S{12}Z [A-Z]+ ";
    private static final Pattern EVENT = Pattern.compile(EVENT_BEGINS);
    private static final Pattern REFUSED =
            Pattern.compile(EVENT_BEGINS + "reload-refused faults=" + FAULTS);
    private static final Pattern FAULT =
            Pattern.compile(
                    EVENT_BEGINS
                            + "configuration-fault fault=\".*: x{"
                            + FAULT_CHARS
                            + "}\\d+: 1: unknown key[^\"]*\"");
    private static final Pattern ACCESS =
            Pattern.compile("\\{\"time\":.*\"/a{" + PATH_CHARS + "}\".*}");

    @ParameterizedTest
    @CsvSource({
        "journal, exec \"$@\" > >(echo $BASHPID >reader; exec cat >&2) 2>&1",
        "stderr, exec \"$@\" 2>>/proc/self/fd/2"
    })
    void givenLongLinesOfBothKinds_whenWrittenToOnePlace_thenEachIsWhole(String file, String by)
            throws Exception {
        boolean isPipe = file.equals("journal");
        try (BasculeProcess daemon = bascule().by(by).serve(CONFIGURATION.replace("FILE", file))) {
            var faults = new StringBuilder("\n");
            for (int i = 0; i < FAULTS; i++)
                faults.append("x".repeat(FAULT_CHARS)).append(i).append(" = 1\n");
            Path conf = daemon.folder().resolve(BasculeProcess.FILE);
            var web = new InetSocketAddress(InetAddress.getLoopbackAddress(), daemon.port("web"));
            Files.writeString(conf, faults, StandardOpenOption.APPEND);
            // Both wait for the reader then, with lines that are written in part.
            if (isPipe) reader(daemon, "STOP");
            for (int round = 0; round < ROUNDS; round++) {
                daemon.signal("HUP");
                for (int i = 0; i < REQUESTS; i++)
                    assertThat(Answer.get(web, "/" + "a".repeat(PATH_CHARS)).status())
                            .isEqualTo(200);
                if (isPipe && round == 0) reader(daemon, "CONT");
                int refused = round + 1;
                daemon.await("a refusal", () -> count(daemon, REFUSED) == refused);
            }
            daemon.await("lines", () -> count(daemon, ACCESS) == ROUNDS * REQUESTS);
            assertThat(daemon.err().lines())
                    .allMatch(line -> EVENT.matcher(line).lookingAt() || isWhole(line, ACCESS));
            assertThat(count(daemon, FAULT)).isEqualTo(ROUNDS * FAULTS);
        }
    }

    private static void reader(BasculeProcess daemon, String signal) {
        Path pid = daemon.folder().resolve("reader");
        BasculeProcess.command("bash", "-c", "kill -" + signal + " $(cat " + pid + ")").end();
    }

    private static boolean isWhole(String line, Pattern of) {
        return of.matcher(line).matches();
    }

    private static long count(BasculeProcess daemon, Pattern of) {
        return daemon.err().lines().filter(line -> isWhole(line, of)).count();
    }
}
