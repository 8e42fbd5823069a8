package bascule.config;

import java.util.List;

/// What came of reading a configuration.
public sealed interface LoadResult {
    /// It is valid.
    record Loaded(Configuration configuration) implements LoadResult {}

    /// It is refused as a whole.
    ///
    /// @param problems all of them, at least one, in the order of the files and their lines; a syntax error stands alone
    record Rejected(List<Problem> problems) implements LoadResult {
        public Rejected {
            problems = List.copyOf(problems);
        }
    }
}
