//! The mistakes that the generator puts into documents: at least one for each validation rule, and some that only look like
//! mistakes.

use super::draw::Draw;

/// The faults with their weights: how often each is drawn, relative to the others.
macro_rules! faults {
    ($($fault:ident $weight:literal)+) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Fault {
            $($fault,)+
        }

        impl Fault {
            const WEIGHTS: &[(Self, usize)] = &[$((Self::$fault, $weight)),+];
        }
    };
}

faults! {
    // Documents and operations.
    TypeSystemDefinition 1
    SameOperationName 1
    AnonymousBesideOthers 1
    OtherOperationType 2
    NoOperation 1
    MisplacedDescription 1
    // Fields.
    UnknownField 1
    SelectionOnLeaf 1
    NoSelectionOnComposite 1
    EmptySelection 1
    SameResponseKey 4
    // Fragments.
    SameFragmentName 1
    UnknownFragment 1
    UnusedFragment 1
    UnknownFragmentType 1
    FragmentOnLeaf 1
    ImpossibleFragment 1
    FragmentCycle 2
    FragmentCalledOn 1
    // Arguments.
    UnknownArgument 1
    SameArgument 1
    MissingArgument 2
    NullArgument 1
    // Values.
    OtherLiteral 3
    BadNumber 1
    BadString 1
    OddString 1
    UnknownEnumValue 1
    UnknownInputField 1
    SameInputField 3
    MissingInputField 1
    NullInList 1
    NestedList 1
    // Directives.
    UnknownDirective 1
    MisplacedDirective 1
    SameDirective 1
    // Variables.
    SameVariable 1
    UndefinedVariable 1
    UnusedVariable 1
    UnknownVariableType 1
    OutputVariableType 1
    OtherVariableType 2
    NullableVariable 2
    BadDefault 2
    VariableInDefault 1
}

impl Fault {
    /// One of the faults, each as often as its weight says.
    pub fn draw(draw: &mut Draw) -> Self {
        let mut number = draw.below(Self::WEIGHTS.iter().map(|(_, weight)| weight).sum());
        let drawn = Self::WEIGHTS.iter().find(|(_, weight)| {
            let holds = number < *weight;
            number = number.wrapping_sub(*weight);
            holds
        });
        drawn.unwrap().0
    }
}
