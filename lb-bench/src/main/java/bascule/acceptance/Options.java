package bascule.acceptance;

import java.util.ArrayList;
import java.util.List;

/// What a command line asked for.
///
/// @param full    both releases, more trials, the run that looks for pauses
/// @param debian  on this release only; 0: on those that belong to it
/// @param deb     the package; empty: it is built
/// @param old     the one to upgrade from; empty: the parent commit's
/// @param report  where it is written
/// @param inBuild is a build going on, which goes on without where tools are missing?
record Options(boolean full, int debian, String deb, String old, String report, boolean inBuild) {
    /// A command line that makes no sense; the message says where and what was expected.
    static final class Wrong extends Exception {
        private static final long serialVersionUID = 1;

        Wrong(String message) {
            super(message);
        }
    }

    static final String HELP =
            """
            usage: packaging/acceptance [option...]

            Boots two Debian 12 hosts on this machine, installs the package on both, has the pair go through restarts,
            faults, an upgrade and the removal while clients count, and writes the report. Needs root and the packages
            systemd-container mmdebstrap iproute2 nginx curl git. Touches nothing of this host's network.
            What bare hosts consist of is made once and kept in ${XDG_CACHE_HOME:-~/.cache}/bascule.

            --long          Debian 13, too; three trials of each fault; ten minutes under load for the longest pause
            --debian N      on this release only: 12 or 13
            --deb FILE      this package, instead of building one
            --old FILE      upgrade from this one, instead of the parent commit's
            --report FILE   default packaging/ACCEPTANCE.md
            --in-build      where a tool is missing: one line and 0; with CI=true in the environment 1. Bars of times
                            are three times as long, for a build's machine may be busy

            Exit codes: 0 all bars kept, 1 not all, 2 wrong usage.
            """;

    static Options parse(List<String> args) throws Wrong {
        boolean full = false;
        boolean inBuild = false;
        int debian = 0;
        String deb = "";
        String old = "";
        String report = "packaging/ACCEPTANCE.md";
        for (var rest = new ArrayList<>(args); !rest.isEmpty(); ) {
            String name = rest.removeFirst();
            switch (name) {
                case "--long" -> full = true;
                case "--in-build" -> inBuild = true;
                case "--debian" -> debian = release(name, value(name, rest));
                case "--deb" -> deb = value(name, rest);
                case "--old" -> old = value(name, rest);
                case "--report" -> report = value(name, rest);
                default -> throw new Wrong(name + ": unknown option");
            }
        }
        return new Options(full, debian, deb, old, report, inBuild);
    }

    private static String value(String name, List<String> rest) throws Wrong {
        if (rest.isEmpty()) throw new Wrong(name + ": its value is missing");
        return rest.removeFirst();
    }

    private static int release(String name, String value) throws Wrong {
        return switch (value) {
            case "12" -> 12;
            case "13" -> 13;
            default -> throw new Wrong(name + " " + value + " (expected: 12 or 13)");
        };
    }
}
