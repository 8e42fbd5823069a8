package bascule.drill;

import bascule.harness.Unavailable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// The command behind `lb-cluster/drills`.
final class Main {
    private Main() {}

    public static void main(String[] args) throws IOException, InterruptedException {
        System.exit(run(List.of(args)));
    }

    private static int run(List<String> args) throws IOException, InterruptedException {
        if (args.contains("--help") || args.contains("-h")) {
            System.out.print(Options.HELP);
            return 0;
        }
        if (args.contains("--list")) {
            for (Drill each : Drills.all())
                System.out.printf("%-12s %s%n", each.name(), each.what());
            return 0;
        }
        Path checkout =
                Path.of(System.getProperty("bascule.checkout", ".")).toAbsolutePath().normalize();
        Options options;
        try {
            options = Options.parse(args, checkout);
        } catch (Options.Wrong e) {
            System.err.println(e.getMessage() + "; --help says more");
            return 2;
        }
        List<String> missing = Bed.missing(options.keepalived());
        if (!missing.isEmpty()) {
            System.err.println("drills: missing: " + String.join(", ", missing));
            return 1;
        }
        Bed.sweep();
        long begun = System.nanoTime();
        List<Drill> drills =
                Drills.all().stream()
                        .filter(
                                each ->
                                        options.only().isEmpty()
                                                || options.only().contains(each.name()))
                        .toList();
        List<Run.Result> results;
        try {
            results =
                    new Run(checkout, options.keepAll(), System.out::println)
                            .run(
                                    drills,
                                    each -> options.bascule() ? options.trialsOf(each.trials()) : 0,
                                    each ->
                                            options.keepalived()
                                                    ? options.trialsOf(each.rivals())
                                                    : 0);
        } catch (Unavailable e) {
            System.err.println("drills: " + e.why());
            return 1;
        }
        long seconds = (System.nanoTime() - begun) / 1_000_000_000;
        String command = ("lb-cluster/drills " + String.join(" ", args)).strip();
        String text = Report.text(results, command, checkout, seconds);
        if (Files.isRegularFile(options.report()) || !Files.exists(options.report())) {
            Files.writeString(options.report(), text);
            System.out.println("written: " + options.report());
        } else System.out.println("\n" + text);
        return results.stream().allMatch(each -> each.broken().isEmpty()) ? 0 : 1;
    }
}
