/** What a connection is sent away with, as the bytes to send: fatal alerts as whole records (RFC 8446 6). */

/** No route has the name, or its certificate is not there (RFC 6066 3). */
export const UNRECOGNIZED_NAME = alert(112);
/** What came is no ClientHello. */
export const DECODE_ERROR = alert(50);
/** The client speaks none of our protocols (RFC 7301 3.2). */
export const NO_APPLICATION_PROTOCOL = alert(120);
/** The certificate is there, but no use. */
export const INTERNAL_ERROR = alert(80);

/** The words of Go's servers, and so of Centauri: monitors look for them. */
const CLEAR_TEXT = 'Client sent an HTTP request to an HTTPS server.\n';

/** A request in clear text came. */
export const BAD_REQUEST: Buffer = Buffer.from(
  `HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: ${CLEAR_TEXT.length}\r\nconnection: close\r\n\r\n${CLEAR_TEXT}`,
);

function alert(description: number): Buffer {
  return Buffer.from([0x15, 0x03, 0x01, 0x00, 0x02, 0x02, description]);
}
