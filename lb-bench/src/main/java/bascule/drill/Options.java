package bascule.drill;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// What a command line asked for.
///
/// @param only    names of drills; empty: all
/// @param trials  of each, where a drill does not say otherwise; 0: each as it says
/// @param most    upper bound of trials of each drill; 0: none
/// @param report  where it is written
/// @param keepAll are the logs of all trials kept, not only of those that break a limit?
record Options(
        List<String> only,
        int trials,
        int most,
        boolean bascule,
        boolean keepalived,
        Path report,
        boolean keepAll) {
    private static final int USUAL_TRIALS = 5;
    private static final int MOST_TRIALS = 1_000;

    /// A command line that makes no sense; the message says where and what was expected.
    static final class Wrong extends Exception {
        private static final long serialVersionUID = 1;

        Wrong(String message) {
            super(message);
        }
    }

    static final String HELP =
            """
            usage: lb-cluster/drills [option...]

            Faults for a pair of Bascule daemons in network namespaces, and for keepalived with HAProxy beside it, one
            trial of each in turn; a client opens a connection every 10 ms. Writes what it cost. Needs root, a JDK 25,
            Maven, and the packages iproute2 nginx openssl; for the rivals keepalived haproxy curl.

            --only NAME,...         these drills only (--list names them); writes no report unless --report is given
            --trials N              of each drill (default 5; where a drill has more by itself, those)
            --at-most N             bounds that
            --without keepalived    Bascule alone (or: --without bascule)
            --report FILE           default lb-cluster/DRILLS.md
            --keep                  the logs of all trials (lb-bench/target/drills); else of those that break a limit
            --list                  names all drills

            Exit codes: 0 all limits kept, 1 not all, 2 wrong usage.
            """;

    static Options parse(List<String> args, Path checkout) throws Wrong {
        List<String> only = new ArrayList<>();
        int trials = USUAL_TRIALS;
        int most = 0;
        boolean bascule = true;
        boolean keepalived = true;
        boolean keep = false;
        String report = "";
        for (var rest = new ArrayList<>(args); !rest.isEmpty(); ) {
            String name = rest.removeFirst();
            if (name.equals("--keep")) {
                keep = true;
                continue;
            }
            if (rest.isEmpty()) throw new Wrong(name + ": unknown, or its value is missing");
            String value = rest.removeFirst();
            switch (name) {
                case "--only" -> only.addAll(List.of(value.split(",")));
                case "--trials" -> trials = number(name, value);
                case "--at-most" -> most = number(name, value);
                case "--report" -> report = value;
                case "--without" -> {
                    switch (value) {
                        case "keepalived" -> keepalived = false;
                        case "bascule" -> bascule = false;
                        default ->
                                throw new Wrong(
                                        name + " " + value + " (expected: keepalived or bascule)");
                    }
                }
                default -> throw new Wrong(name + ": unknown option");
            }
        }
        List<String> known = Drills.all().stream().map(Drill::name).toList();
        for (String each : only)
            if (!known.contains(each))
                throw new Wrong("--only " + each + " (expected: one of " + known + ")");
        if (report.isEmpty() && only.isEmpty()) report = "lb-cluster/DRILLS.md";
        return new Options(
                List.copyOf(only),
                trials,
                most,
                bascule,
                keepalived,
                report.isEmpty() ? Path.of("/dev/null") : checkout.resolve(report),
                keep);
    }

    private static int number(String name, String value) throws Wrong {
        try {
            int number = Integer.parseInt(value);
            if (number >= 1 && number <= MOST_TRIALS) return number;
        } catch (NumberFormatException _) {
            // Said below.
        }
        throw new Wrong(name + " " + value + " (expected: 1 to " + MOST_TRIALS + ")");
    }

    /// @param own of the drill: 0 = as said here, -1 = none
    int trialsOf(int own) {
        if (own < 0) return 0;
        int wanted = own == 0 ? trials : own;
        return most > 0 ? Math.min(most, wanted) : wanted;
    }
}
