import { LabIcon } from '@jupyterlab/ui-components';

/** Rows of which each has its outcome before it. */
export const runsIcon = new LabIcon({
  name: 'jvs:runs',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" width="16">
  <g class="jp-icon3" fill="#616161">
    <path d="M9 5h12v2H9zM9 11h12v2H9zM9 17h12v2H9z"/>
    <path d="M3 3.5 7 6 3 8.5zM3 9.5 7 12l-4 2.5zM3 15.5 7 18l-4 2.5z"/>
  </g>
</svg>`
});
