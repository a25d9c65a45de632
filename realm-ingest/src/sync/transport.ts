/** The way to one client, as its connection sees it. */
export interface Transport {
  /** Sends one message. Does nothing once the socket is closed. */
  send(message: Uint8Array): void;
  /** Bytes sent that the peer has not taken yet. */
  readonly outgoingBytes: number;
  /** Stops reading from the client. What was read already may still be delivered. */
  pause(): void;
  resume(): void;
  /** Delivers what was sent, then ends the TCP connection without a close code. Nothing more is received. */
  end(): void;
  /** Ends the TCP connection at once. */
  terminate(): void;
}
