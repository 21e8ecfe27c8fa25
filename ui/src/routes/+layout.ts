// The window runs wholly in the browser: there is no server that could render it, and nothing to render ahead of time.
export const ssr = false;
export const prerender = false;
