package bascule.config;

/// A line of a file, as operators know it.
///
/// @param line from 1; 0 = the file as a whole
record Place(String file, int line) {
    @Override
    public String toString() {
        return line > 0 ? file + ":" + line : file;
    }
}
