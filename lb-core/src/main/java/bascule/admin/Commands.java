package bascule.admin;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/// What an operator may ask of the daemon over the admin socket. Called on the thread `admin-command`, one call after the other;
/// a call hands its work on and returns, the result may be completed on any thread. A result that does not come within a minute
/// is reported as such, one that completes exceptionally is a bug.
public interface Commands {
    /// What to do with a server.
    enum Verb {
        DRAIN,
        ENABLE,
        DISABLE
    }

    /// The effective configuration in force, as `show-config` prints it. At once.
    String configuration();

    /// Reads the file anew and puts it in force: whole, or not at all.
    CompletableFuture<ReloadResult> reload();

    /// How a server is at this moment.
    CompletableFuture<ServerResult> server(String backend, String server);

    /// Complete once new work comes to the server no more, or comes again.
    CompletableFuture<ServerResult> change(Verb verb, String backend, String server);

    /// Closes log files and opens them anew, by their names: what was there may have been moved away.
    CompletableFuture<LogsResult> reopenLogs();

    /// A planned change of owner. Complete once it is over, whatever came of it.
    ///
    /// @param floatingIp whoever owns it; null = all that this node owns
    CompletableFuture<HandOverResult> handOver(@Nullable String floatingIp);

    sealed interface ReloadResult permits Reloaded, Refused, Failed, Stopping {}

    sealed interface ServerResult permits ServerIs, NoSuchBackend, NoSuchServer, Stopping {}

    sealed interface LogsResult permits Reopened, Failed, Stopping {}

    sealed interface HandOverResult permits HandedOver, NoSuchFloatingIp, Failed, Stopping {}

    /// @param hash of the configuration that is now in force
    /// @param changes a line each, for people; none if the file means what it meant before
    record Reloaded(String hash, List<String> changes) implements ReloadResult {
        public Reloaded {
            changes = List.copyOf(changes);
        }
    }

    /// The file cannot be put in force, and what was in force stays so.
    ///
    /// @param problems a line each, as `bascule check` prints them
    record Refused(List<String> problems) implements ReloadResult {
        public Refused {
            problems = List.copyOf(problems);
        }
    }

    /// There is nothing wrong with the file, and yet it could not be done, say because an address is taken; all is as it was.
    record Failed(String cause) implements ReloadResult, LogsResult, HandOverResult {}

    /// @param admin what the operator wants: `enabled`, `drained` or `disabled`
    /// @param state what follows, as in the metric `server_state`
    /// @param exchanges that run on it at this moment, tunnels too
    /// @param notKept why the operator's wish would not outlive a restart; null if it will
    record ServerIs(String admin, String state, long exchanges, @Nullable String notKept)
            implements ServerResult {}

    /// @param known all that there are
    record NoSuchBackend(List<String> known) implements ServerResult {
        public NoSuchBackend {
            known = List.copyOf(known);
        }
    }

    /// @param known all that the backend has
    record NoSuchServer(List<String> known) implements ServerResult {
        public NoSuchServer {
            known = List.copyOf(known);
        }
    }

    /// @param files that were opened anew; none where there are none
    record Reopened(List<String> files) implements LogsResult {
        public Reopened {
            files = List.copyOf(files);
        }
    }

    /// @param moves one for each floating IP that was to move; none where there is none
    record HandedOver(List<Move> moves) implements HandOverResult {
        public HandedOver {
            moves = List.copyOf(moves);
        }
    }

    /// @param from who owned it; null = nobody
    /// @param to who owns it now; null = nobody that is known
    /// @param steps in their order
    /// @param failure why the owner is the same as before; null if it is not
    record Move(
            String floatingIp,
            @Nullable String from,
            @Nullable String to,
            List<Step> steps,
            @Nullable String failure) {
        public Move {
            steps = List.copyOf(steps);
        }
    }

    /// @param millis since the step before, or since the order
    record Step(String name, double millis) {}

    /// @param known all that there are
    record NoSuchFloatingIp(List<String> known) implements HandOverResult {
        public NoSuchFloatingIp {
            known = List.copyOf(known);
        }
    }

    /// The daemon is about to end, and changes no more.
    record Stopping() implements ReloadResult, ServerResult, LogsResult, HandOverResult {}
}
