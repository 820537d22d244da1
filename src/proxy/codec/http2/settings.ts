import { connectionFault, type H2Fault } from './fault.ts';
import {
  DEFAULT_FRAME_SIZE,
  DEFAULT_WINDOW,
  H2_ERROR,
  LARGEST_FRAME_SIZE,
  LARGEST_WINDOW,
  SETTING,
} from './protocol.ts';

/**
 * What the peer has told about itself, beginning with what holds before it says anything (RFC 9113 6.5.2).
 *
 * After `apply` the engine has to follow: `initialWindowSize` changes the windows of all open streams by the difference,
 * `headerTableSize` goes to the HpackEncoder, `maxFrameSize` to the FrameWriter; then it acknowledges.
 */
export class PeerSettings {
  headerTableSize = 4_096;
  enablePush = true;
  maxConcurrentStreams = Number.POSITIVE_INFINITY;
  initialWindowSize = DEFAULT_WINDOW;
  maxFrameSize = DEFAULT_FRAME_SIZE;
  maxHeaderListSize = Number.POSITIVE_INFINITY;
  enableConnectProtocol = false;
  noRfc7540Priorities = false;

  /** Takes over the payload of a SETTINGS frame, `bytes[from, to)`, in order. Null = all is well. */
  apply(bytes: Buffer, from: number, to: number, peer: 'client' | 'server'): H2Fault | null {
    if ((to - from) / SETTING_BYTES > MOST_SETTINGS) {
      return connectionFault(H2_ERROR.enhanceYourCalm, 'too-many-settings');
    }
    for (let at = from; at < to; at += SETTING_BYTES) {
      const fault = this.#set(bytes.readUInt16BE(at), bytes.readUInt32BE(at + 2), peer);
      if (fault !== null) return fault;
    }
    return null;
  }

  #set(identifier: number, value: number, peer: 'client' | 'server'): H2Fault | null {
    switch (identifier) {
      case SETTING.headerTableSize:
        this.headerTableSize = value;
        return null;
      case SETTING.enablePush:
        if (value > 1 || (value === 1 && peer === 'server')) return invalid('enable-push');
        this.enablePush = value === 1;
        return null;
      case SETTING.maxConcurrentStreams:
        this.maxConcurrentStreams = value;
        return null;
      case SETTING.initialWindowSize:
        if (value > LARGEST_WINDOW) {
          return connectionFault(H2_ERROR.flowControlError, 'setting-initial-window-size');
        }
        this.initialWindowSize = value;
        return null;
      case SETTING.maxFrameSize:
        if (value < DEFAULT_FRAME_SIZE || value > LARGEST_FRAME_SIZE) return invalid('max-frame-size');
        this.maxFrameSize = value;
        return null;
      case SETTING.maxHeaderListSize:
        this.maxHeaderListSize = value;
        return null;
      case SETTING.enableConnectProtocol:
        // RFC 8441 3: once it is offered it stays.
        if (value > 1 || (value === 0 && this.enableConnectProtocol))
          return invalid('enable-connect-protocol');
        this.enableConnectProtocol = value === 1;
        return null;
      case SETTING.noRfc7540Priorities:
        if (value > 1) return invalid('no-rfc7540-priorities');
        this.noRfc7540Priorities = value === 1;
        return null;
      default:
        // Unknown settings are ignored (RFC 9113 6.5.2).
        return null;
    }
  }
}

/** In bytes: an identifier and a value. */
const SETTING_BYTES = 6;

/** In one frame. There are eight that mean anything. */
const MOST_SETTINGS = 32;

function invalid(name: string): H2Fault {
  return connectionFault(H2_ERROR.protocolError, `setting-${name}`);
}
