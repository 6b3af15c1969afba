declare module 'vega-embed' {
  const embed: unknown;
  export default embed;
}
