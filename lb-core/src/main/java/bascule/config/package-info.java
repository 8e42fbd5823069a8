/// The configuration: HOCON text to immutable records, or every fault at once with file and line. Knows the keys, their
/// units, bounds and defaults; knows nothing of sockets, Netty or what the values do. Called by the
/// root package at start, reload, `check` and `show-config`; its records are read everywhere. No threads of its own: a load is a pure function of the files and
/// the environment it is given, and what it returns may be shared freely.
///
/// The only package that imports `com.typesafe.config`.
@NullMarked
package bascule.config;

import org.jspecify.annotations.NullMarked;
