// A subscription's events, over server-sent events: an iterable that GraphiQL stops when its user does.

/** The results of a response that is a stream of events; `abort` ends it. */
export function results(response, abort) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let read = "";
  let stopped = false;
  const ended = { done: true, value: undefined };

  /** The next block of lines. */
  async function block() {
    for (;;) {
      const end = read.indexOf("\n\n");
      if (end >= 0) {
        const text = read.slice(0, end);
        read = read.slice(end + 2);
        return text;
      }
      const { done, value } = await reader.read();
      if (done) return undefined;
      read += value;
    }
  }

  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      try {
        for (;;) {
          const text = await block();
          if (text === undefined || text.startsWith("event: complete")) return ended;
          const data = text.match(/^data: (.*)$/m)?.[1];
          if (data) return { done: false, value: JSON.parse(data) };
        }
      } catch (error) {
        if (stopped) return ended;
        throw error;
      }
    },
    async return() {
      stopped = true;
      abort();
      return ended;
    },
  };
}
