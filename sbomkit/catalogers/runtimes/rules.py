"""Programs and libraries that tell their version in their own bytes: the data.

Each rule was found in the program's own strings (its `--version`, its server header, its user agent); the fixtures
hold those bytes of real builds. `{base}` in an anchor or pattern is what `base` captured from the file's name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sbomkit.model.package import Kind

_V = rb"(?P<version>\d+\.\d+(?:\.\d+)*(?:-?(?:rc|RC|beta|alpha|dev|pre)\.?\d*)?)"
"""A plain version; a distribution's own suffix is left out."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How one program is known."""

    name: str
    files: str
    """A regular expression for the whole file name; its group `base` may capture a part of the version."""
    anchor: bytes
    """Literal bytes that stand near the version: looked for first, at memory speed."""
    pattern: bytes
    """A regular expression with a group `version`, matched around each anchor."""
    cpe: str = ""
    """vendor:product"""
    pick: Literal["first", "highest"] = "first"
    """`highest` where the same form also tells since when commands exist."""
    kind: Kind = "application"
    confidence: float = 0.75
    everywhere: bool = False
    """The version stands apart from the anchor, which only says that this is the program."""


def _library(name: str, files: str, anchor: bytes, pattern: bytes, cpe: str, everywhere: bool = False) -> Rule:
    return Rule(name, files, anchor, pattern, cpe, kind="library", everywhere=everywhere)


_OPENSSL = rb"OpenSSL (?P<version>\d\.\d+\.\d+[a-z]{0,2}) +\d{1,2} [A-Z][a-z]{2} \d{4}"
_SO = r"\.so(?:\.[\d.]+)?"

RULES: tuple[Rule, ...] = (
    # languages and their run times
    Rule(
        "python",
        r"python(?P<base>[23]\.\d+)|libpython(?P<base2>[23]\.\d+)[dmu]*" + _SO,
        b"\0{base}.",
        rb"\0(?P<version>{base}\.\d+(?:(?:a|b|rc)\d+)?)\+?\0",
        "python:python",
    ),
    Rule(
        "python",
        r"python[23]?",
        b"\0",
        rb"\0(?P<version>[23]\.\d{1,2}\.\d{1,2}(?:(?:a|b|rc)\d+)?)\+?\0",
        "python:python",
        confidence=0.5,
        everywhere=True,
    ),
    Rule("node", r"node|nodejs|libnode" + _SO, b"node.js/v", rb"node\.js/v" + _V, "nodejs:node.js"),
    Rule(
        "openjdk",
        r"libjvm\.so",
        b"Server VM (",
        rb"(?:OpenJDK|HotSpot\(TM\)) [\w -]*Server VM \((?P<version>\d+[\d.]*(?:_\d+)?(?:[+-]b?\d+)?)",
        "oracle:openjdk",
    ),
    Rule(
        "ruby",
        r"ruby(?:[\d.]+)?|libruby(?:-?[\d.]+)?(?:-static)?" + _SO,
        b"ruby ",
        rb"ruby (?P<version>\d+\.\d+\.\d+(?:(?:preview|rc|dev)\d*)?)(?:p\d+)? \(\d{4}",
        "ruby-lang:ruby",
    ),
    Rule("perl", r"perl(?:5[\d.]*)?|libperl" + _SO, b"\0v5.", rb"\0v(?P<version>5\.\d+\.\d+)\0", "perl:perl"),
    Rule(
        "php",
        r"php(?:-?cgi|-fpm|dbg)?-?[\d.]*|php-?(?:cgi|fpm)[\d.]*|libphp[\d.]*\.so",
        b"PHP/",
        rb"PHP/" + _V,
        "php:php",
    ),
    Rule("deno", r"deno", b"deno", rb"[Dd]eno[/ ]v?(?P<version>\d+\.\d+\.\d+)(?![\w.])", "deno:deno"),
    Rule("bun", r"bun|bunx", b"Bun v", rb"Bun v(?P<version>\d+\.\d+\.\d+)", "bun:bun"),
    Rule("lua", r"lua(?:[\d.]+)?|liblua[\d.]*" + _SO, b"Lua", rb"\$Lua(?:Version)?: Lua " + _V, "lua:lua"),
    Rule(
        "luajit",
        r"luajit[\d.a-z-]*|libluajit[\d.-]*" + _SO,
        b"LuaJIT 2",
        rb"LuaJIT (?P<version>2\.\d+\.\d+(?:-beta\d+|\.\d+)?)",
        "luajit:luajit",
    ),
    Rule(
        "erlang",
        r"beam(?:\.smp)?",
        b"(BEAM) emulator version ",
        rb"\(BEAM\) emulator version " + _V,
        "erlang:erlang\\/otp",
    ),
    Rule(
        "tcl",
        r"libtcl[\d.]*\.so(?:\.\d+)*",
        b"tcl_patchLevel",
        rb"\0(?P<version>[89]\.\d+\.\d+)\0",
        "tcl:tcl",
        confidence=0.6,
        everywhere=True,
    ),
    Rule("gawk", r"g?awk", b"GNU Awk ", rb"GNU Awk " + _V, "gnu:gawk"),
    # shells and tools
    Rule("busybox", r"busybox(?:[.-].*)?", b"BusyBox v", rb"BusyBox v" + _V, "busybox:busybox"),
    Rule("bash", r"r?bash", b"@(#)Bash version ", rb"@\(#\)Bash version " + _V, "gnu:bash"),
    Rule("git", r"git", b"git/", rb"(?<![\w.])git/(?P<version>\d+\.\d+\.\d+(?:\.\w+)*)", "git-scm:git"),
    Rule("curl", r"curl", b"curl/", rb"\0curl/" + _V, "haxx:curl"),
    Rule("wget", r"wget", b"wget-", rb"/wget-" + _V + rb"[=/]", "gnu:wget", confidence=0.6),
    Rule("ffmpeg", r"ff(?:mpeg|probe|play)", b"%s version ", rb"%s version n?" + _V, "ffmpeg:ffmpeg"),
    Rule("tini", r"tini(?:-static)?", b"tini version ", rb"tini version " + _V),
    Rule("openssl", r"openssl", b"OpenSSL ", _OPENSSL, "openssl:openssl"),
    Rule("stunnel", r"stunnel[45]?", b"stunnel ", rb"stunnel (?P<version>\d\.\d+) on ", "stunnel:stunnel"),
    Rule("openssh", r"sshd|ssh", b"OpenSSH_", rb"\0OpenSSH_(?P<version>\d+\.\d+p\d+)", "openbsd:openssh"),
    # web servers and proxies
    Rule("openresty", r"nginx|openresty", b"openresty/", rb"openresty/" + _V, "openresty:openresty"),
    Rule("nginx", r"nginx(?:-debug)?|openresty", b"nginx/", rb"\0(?:nginx version: )?nginx/" + _V, "f5:nginx"),
    Rule("httpd", r"httpd2?|apache2?", b"Apache/2.", rb"Apache/(?P<version>2\.\d+\.\d+)", "apache:http_server"),
    Rule(
        "haproxy",
        r"haproxy",
        b", released ",
        rb"version (?P<version>\d\.\d+(?:\.\d+|-dev\d+))[^\0]{0,40}, released ",
        "haproxy:haproxy",
    ),
    Rule(
        "envoy",
        r"envoy",
        b"envoy",
        rb"[0-9a-f]{40}/(?P<version>\d+\.\d+\.\d+)/(?:Clean|Modified|Distribution)/",
        "envoyproxy:envoy",
        confidence=0.7,
    ),
    Rule("lighttpd", r"lighttpd", b"lighttpd/", rb"lighttpd/" + _V, "lighttpd:lighttpd"),
    Rule("varnish", r"varnishd", b"varnish-", rb"varnish-" + _V + rb" revision ", "varnish-software:varnish_cache"),
    Rule("squid", r"squid", b"squid/", rb"squid/" + _V, "squid-cache:squid"),
    # data stores and brokers
    Rule(
        "redis",
        r"redis-(?:server|check-rdb|check-aof|sentinel)",
        b"\0",
        rb"\0(?P<version>[2-9]\.\d+\.\d+)(?=\0)",
        "redis:redis",
        "highest",
        confidence=0.6,
        everywhere=True,
    ),
    Rule(
        "valkey",
        r"valkey-(?:server|check-rdb|check-aof|sentinel)",
        b"\0",
        rb"\0(?P<version>[7-9]\.\d+\.\d+|1\d\.\d+\.\d+)(?=\0)",
        "linuxfoundation:valkey",
        "highest",
        confidence=0.6,
        everywhere=True,
    ),
    Rule("memcached", r"memcached", b"memcached ", rb"memcached (?P<version>1\.\d+\.\d+)", "memcached:memcached"),
    Rule(
        "postgresql",
        r"postgres|postmaster",
        b"(PostgreSQL) ",
        rb"postgres \(PostgreSQL\) (?P<version>\d+(?:\.\d+)*(?:(?:beta|rc)\d+)?)",
        "postgresql:postgresql",
    ),
    Rule(
        "postgresql-client",
        r"psql|pg_dump|pg_isready",
        b"(PostgreSQL) ",
        rb"(?:psql|pg_dump|pg_isready) \(PostgreSQL\) (?P<version>\d+(?:\.\d+)*)",
        "postgresql:postgresql",
    ),
    Rule(
        "mariadb",
        r"mariadbd?|mysqld?",
        b"-MariaDB",
        rb"\0(?:5\.5\.5-)?(?P<version>\d+\.\d+\.\d+)-MariaDB",
        "mariadb:mariadb",
    ),
    Rule(
        "mysql",
        r"mysqld?(?:-debug)?",
        b"MySQL Community",
        rb"\0(?P<version>[5-9]\.\d+\.\d+)\0",
        "oracle:mysql",
        confidence=0.6,
        everywhere=True,
    ),
    Rule(
        "mongodb",
        r"mongo[ds]?",
        b"\0",
        rb"\0(?P<version>[2-9]\.\d+\.\d+(?:-rc\d+)?)\0+[0-9a-f]{40}\0",
        "mongodb:mongodb",
        confidence=0.6,
        everywhere=True,
    ),
    Rule(
        "mosquitto",
        r"mosquitto",
        b"mosquitto version ",
        rb"\0(?P<version>[12]\.\d+\.\d+)\0",
        "eclipse:mosquitto",
        confidence=0.6,
        everywhere=True,
    ),
    Rule("pgbouncer", r"pgbouncer", b"PgBouncer ", rb"PgBouncer " + _V, "pgbouncer:pgbouncer"),
    Rule(
        "sqlite",
        r"sqlite3?",
        b"\0",
        rb"\0(?P<version>3\.\d{1,2}\.\d{1,2})\0",
        "sqlite:sqlite",
        confidence=0.6,
        everywhere=True,
    ),
    # mail, names, files, networks
    Rule(
        "exim",
        r"exim4?",
        b"Exim version ",
        rb"\0(?P<version>4\.\d+(?:\.\d+)?)\0",
        "exim:exim",
        "highest",
        confidence=0.6,
        everywhere=True,
    ),
    Rule("dovecot", r"dovecot", b"Dovecot v", rb"Dovecot v" + _V, "dovecot:dovecot"),
    Rule("bind", r"named", b"libisc-9.", rb"libisc-(?P<version>9\.\d+\.\d+)", "isc:bind"),
    Rule("unbound", r"unbound", b"unbound 1.", rb"unbound (?P<version>1\.\d+\.\d+)", "nlnetlabs:unbound"),
    Rule("dnsmasq", r"dnsmasq", b"dnsmasq-", rb"dnsmasq-(?P<version>2\.\d+)", "thekelleys:dnsmasq"),
    Rule(
        "proftpd",
        r"proftpd",
        b"ProFTPD Version ",
        rb"ProFTPD Version (?P<version>1\.\d+\.\d+[a-z]?(?:rc\d+)?)",
        "proftpd:proftpd",
    ),
    Rule("vsftpd", r"vsftpd", b"vsftpd: version ", rb"vsftpd: version " + _V, "vsftpd_project:vsftpd"),
    Rule("tor", r"tor", b"tor 0.", rb"\0tor (?P<version>0\.\d+\.\d+\.\d+)", "torproject:tor"),
    Rule("keepalived", r"keepalived", b"Keepalived v", rb"Keepalived v" + _V, "keepalived:keepalived"),
    # libraries that are copied into images
    _library("openssl", r"libcrypto" + _SO, b"OpenSSL ", _OPENSSL, "openssl:openssl"),
    _library("curl", r"libcurl(?:-gnutls)?" + _SO, b"libcurl/", rb"libcurl/" + _V, "haxx:libcurl"),
    _library("sqlite", r"libsqlite3" + _SO, b"\0003.", rb"\0(?P<version>3\.\d{1,2}\.\d{1,2})\0", "sqlite:sqlite"),
    _library(
        "glibc",
        r"libc\.so\.6|libc-2\.\d+\.so",
        b"GNU C Library ",
        rb"release version " + _V,
        "gnu:glibc",
        everywhere=True,
    ),
    _library(
        "musl",
        r"ld-musl-.*\.so\.1|libc\.musl-.*\.so\.1",
        b"musl libc (",
        rb"\0(?P<version>1\.\d+\.\d+)\0",
        "musl-libc:musl",
        everywhere=True,
    ),
    _library("zlib", r"libz" + _SO, b" deflate 1.", rb" deflate (?P<version>1\.\d+(?:\.\d+)*)", "zlib:zlib"),
    _library("expat", r"libexpat" + _SO, b"expat_", rb"expat_" + _V, "libexpat_project:libexpat"),
    _library("libpng", r"libpng\d*" + _SO, b"libpng version ", rb"libpng version " + _V, "libpng:libpng"),
    _library("gnutls", r"libgnutls" + _SO, b"Enabled GnuTLS ", rb"Enabled GnuTLS " + _V, "gnu:gnutls"),
    _library("pcre2", r"libpcre2-\d+" + _SO, b"\00010.", rb"\0(?P<version>10\.\d+) \d{4}-\d\d-\d\d", "pcre:pcre2"),
    _library("bzip2", r"libbz2" + _SO, b"1.0.", rb"(?P<version>1\.0\.\d+), \d{1,2}-[A-Z]", "bzip:bzip2"),
    _library("libyaml", r"libyaml(?:-0)?" + _SO, b"\0000.", rb"\0(?P<version>0\.\d+\.\d+)\0", "pyyaml:libyaml"),
)
