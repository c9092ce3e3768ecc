//! Draws a plot of cold starts by memory size.

use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::prelude::*;

use crate::subjects::{Kind, MEMORY_MB, Subject};

const SHOWN: [(Kind, RGBColor); 4] = [
    (Kind::Python, RGBColor(0x8a, 0x5a, 0x00)),
    (Kind::Node, RGBColor(0x2e, 0x7d, 0x32)),
    (Kind::Token, RGBColor(0x1a, 0x56, 0xdb)),
    (Kind::Floor, RGBColor(0x6b, 0x72, 0x80)),
];

/// Draws the cold starts within shares of a processor, with two logarithmic axes.
pub(crate) fn draw(subjects: &[Subject], path: &Path) -> Result<()> {
    // Each size is twice the previous one, so equal distances make a logarithmic axis.
    let places = || (0_u8..).map(f64::from);
    let cold = |kind: Kind| {
        let subject = subjects.iter().find(|subject| subject.kind == kind);
        subject
            .into_iter()
            .flat_map(|subject| places().zip(subject.cold_ms_at.iter().map(|samples| samples.median())))
    };

    let values: Vec<f64> = SHOWN.iter().flat_map(|(kind, _)| cold(*kind).map(|(_, value)| value)).collect();
    let (lowest, highest) =
        values.iter().fold((f64::MAX, 0.0_f64), |(low, high), value| (low.min(*value), high.max(*value)));
    let root = SVGBackend::new(path, (760, 420)).into_drawing_area();
    root.fill(&WHITE).map_err(|error| anyhow!("{error}"))?;
    let draw = || -> Result<(), Box<dyn std::error::Error + '_>> {
        let mut chart = ChartBuilder::on(&root)
            .caption("Cold start by memory size (exec to first response, over HTTPS)", ("sans-serif", 17))
            .margin(14)
            .x_label_area_size(44)
            .y_label_area_size(64)
            .build_cartesian_2d(-0.2..3.2, (lowest * 0.7..highest * 1.5).log_scale())?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .x_desc("memory in MB, which determines the share of a processor")
            .y_desc("milliseconds")
            .x_labels(4)
            .x_label_formatter(&|place: &f64| {
                MEMORY_MB.get(place.round() as usize).map_or(String::new(), u32::to_string)
            })
            .y_label_formatter(&|value| format!("{value:.0}"))
            .light_line_style(TRANSPARENT)
            .draw()?;
        for (kind, colour) in SHOWN {
            let series = LineSeries::new(cold(kind), colour.stroke_width(2));
            chart
                .draw_series(series)?
                .label(kind.short_name())
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
            chart.draw_series(cold(kind).map(|point| Circle::new(point, 3, colour.filled())))?;
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperRight)
            .border_style(TRANSPARENT)
            .draw()?;
        Ok(())
    };

    draw().map_err(|error| anyhow!("{error}"))?;
    root.present().map_err(|error| anyhow!("{error}"))
}
