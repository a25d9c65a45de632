/** The way to one client, as a connection's state machine sees it. The WebSocket side provides it. */
export interface Transport {
  /** Sends one message; does nothing once the way is closed. */
  send(message: Uint8Array): void;
  /** Bytes sent that the peer has not taken yet. */
  readonly outgoingBytes: number;
  /** Stops reading from the peer. What has been read already may still be delivered. */
  pause(): void;
  resume(): void;
  /** Delivers what was sent, then ends the TCP connection without a close code. Nothing more is received. */
  end(): void;
  /** Ends the TCP connection at once. */
  terminate(): void;
}
