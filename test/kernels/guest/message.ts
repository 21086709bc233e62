/** A line on the second serial port. */
export type Message =
  | { readonly kind: 'kernel'; readonly release: string }
  /** What a scene has seen. */
  | { readonly kind: 'saw'; readonly scene: string; readonly saw: unknown; readonly ms: number }
  | { readonly kind: 'failed'; readonly scene: string; readonly error: string };
