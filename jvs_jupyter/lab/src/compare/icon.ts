import { LabIcon } from '@jupyterlab/ui-components';

/** Two sheets beside each other, of which one has a line more: what changed. */
export const compareIcon = new LabIcon({
  name: 'jvs:compare',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" width="16">
  <g class="jp-icon3" fill="#616161">
    <path d="M3 3h8v18H3zM5 5v14h4V5zM13 3h8v18h-8zM15 5v14h4V5z"/>
    <path d="M6 8h2v2H6zM16 8h2v2h-2zM16 12h2v2h-2z"/>
  </g>
</svg>`
});
