package bascule.load;

import bascule.harness.Unavailable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/// The command behind `lb-bench/load/run`.
final class Main {
    private static final Set<String> VERBS = Set.of("compare", "allocation", "syscalls", "idle");

    private Main() {}

    public static void main(String[] args) throws IOException, InterruptedException {
        System.exit(run(new ArrayList<>(List.of(args))));
    }

    private static int run(List<String> args) throws IOException, InterruptedException {
        Path checkout =
                Path.of(System.getProperty("bascule.checkout", ".")).toAbsolutePath().normalize();
        if (args.contains("--help") || args.contains("-h")) {
            System.out.print(Options.HELP);
            return 0;
        }
        String verb = "compare";
        if (!args.isEmpty() && !args.getFirst().startsWith("-")) verb = args.removeFirst();
        if (!VERBS.contains(verb)) {
            System.err.println(
                    verb + ": unknown (expected: one of " + VERBS + "; --help says more)");
            return 2;
        }
        Options options;
        try {
            options = Options.parse(verb, args, checkout);
        } catch (Options.Wrong e) {
            System.err.println(e.getMessage() + "; --help says more");
            return 2;
        }
        try (Bed bed = new Bed(checkout, options.keep())) {
            Report report = Report.open(verb, options, bed);
            boolean fine =
                    switch (verb) {
                        case "allocation" -> Allocation.run(options, bed, report);
                        case "syscalls" -> Syscalls.run(options, bed, report);
                        case "idle" -> IdleMemory.run(options, bed, report);
                        default -> Compare.run(options, bed, report);
                    };
            Report.say("");
            Report.say("%s; lines in %s", fine ? "done" : "done, with failures", options.json());
            return fine ? 0 : 1;
        } catch (Unavailable e) {
            System.err.println(e.getMessage());
            return 1;
        }
    }
}
