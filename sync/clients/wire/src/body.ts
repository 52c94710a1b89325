/** Body is what a request sends; `bytes` is undefined for a request that sends nothing. */
export interface Body {
  bytes: string | ArrayBuffer | undefined;
  encoding?: "gzip";
}

/** A text of fewer characters goes as it is: packed, it would still be one packet of the network. */
const large = 2048;

/** plain is a body as it is. */
export function plain(text: string | undefined): Body {
  return { bytes: text };
}

/**
 * packed is a body in gzip if it is large. Where the runtime has no CompressionStream (React Native), or its stream
 * fails, the body goes as it is: to send more bytes is better than to send none.
 */
export async function packed(text: string): Promise<Body> {
  if (text.length < large || typeof CompressionStream === "undefined") return plain(text);
  try {
    const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
    return { bytes: await new Response(stream).arrayBuffer(), encoding: "gzip" };
  } catch {
    return plain(text);
  }
}
