/**
 * Variables of the daemon's environment that a worker gets: what Node, OpenSSL and the C library read. Tokens and passwords
 * for CAs and databases are not its business, and a worker is what strangers talk to.
 */
const PASSED =
  /^(PATH|HOME|TZ|LANG|LC_[A-Z]+|TMPDIR|NODE_[A-Z_0-9]+|UV_[A-Z_]+|SSL_CERT_(FILE|DIR)|OPENSSL_[A-Z_]+|LD_[A-Z_]+|MALLOC_[A-Z_]+|GLIBC_TUNABLES)$/;

/** The environment for a worker of a daemon with this one. */
export function workerEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => PASSED.test(name)));
}
